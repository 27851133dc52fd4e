/* tests/preload/story.c: story WHAT [NUMBERS]: allocations whose sums preload.lua knows. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEEP(p) __asm__ volatile("" : "+r"(p) : : "memory")

static void need(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "story: %s\n", what);
        exit(99);
    }
}

static void *keep(void *block)
{
    need(block != NULL, "no memory");
    KEEP(block);
    return block;
}

static void let_go(void *block)
{
    KEEP(block);
    free(block);
}

__attribute__((noinline)) void leak_them(unsigned count, size_t bytes);
void leak_them(unsigned count, size_t bytes)
{
    for (unsigned i = 0; i < count; i++)
        (void)keep(malloc(bytes));
}

/* ---- threads: in each round nine blocks of 580 bytes, all given back; in each tenth one of 40 that is not ---- */

static unsigned rounds;

static void *work(void *data)
{
    for (unsigned i = 0; i < rounds; i++) {
        void *p = keep(malloc(24));
        p = keep(realloc(p, 100));
        void *q = keep(calloc(3, 10));
        void *r;
        need(posix_memalign(&r, 64, 200) == 0, "posix_memalign");
        void *s = keep(aligned_alloc(64, 128)), *t = keep(memalign(32, 48));
        void *u = keep(valloc(10)), *v = keep(pvalloc(20)), *w = keep(reallocarray(NULL, 4, 5));
        need((uintptr_t)r % 64 == 0 && (uintptr_t)s % 64 == 0 && (uintptr_t)t % 32 == 0, "alignment");
        need(malloc_usable_size(p) >= 100, "malloc_usable_size");
        void *all[] = { p, q, r, s, t, u, v, w };
        for (unsigned k = 0; k < 8; k++)
            let_go(all[k]);
        if (i % 10 == 0)
            leak_them(1, 40);
    }
    return data;
}

static void threads(unsigned count)
{
    pthread_t all[64];
    for (unsigned i = 0; i < count; i++)
        need(pthread_create(&all[i], NULL, work, NULL) == 0, "pthread_create");
    for (unsigned i = 0; i < count; i++)
        need(pthread_join(all[i], NULL) == 0, "pthread_join");
}

/* Blocks that one thread makes and another one gives back, so fast that addresses are used again at once. */
enum { HANDED = 1 << 8 };
static _Atomic(void *) handed[HANDED];

static void *take_over(void *data)
{
    for (unsigned i = 0; i < rounds; i++) {
        void *block;
        while (!(block = atomic_exchange(&handed[i % HANDED], NULL))) {
        }
        block = keep(realloc(block, 64));
        let_go(block);
    }
    return data;
}

static void hand_over(void)
{
    pthread_t other;
    need(pthread_create(&other, NULL, take_over, NULL) == 0, "pthread_create");
    for (unsigned i = 0; i < rounds; i++) {
        void *block = keep(malloc(32)), *none = NULL;
        while (!atomic_compare_exchange_weak(&handed[i % HANDED], &none, block))
            none = NULL;
    }
    need(pthread_join(other, NULL) == 0, "pthread_join");
}

/* ---- processes ---- */

static void wait_for(pid_t child, int code)
{
    int status = 0;
    need(child > 0 && waitpid(child, &status, 0) == child, "waitpid");
    need(WIFEXITED(status) && WEXITSTATUS(status) == code, "the child's exit code");
}

static void forks(void)
{
    leak_them(3, 1000);
    pid_t child = fork();
    if (child == 0) {
        leak_them(10, 111);
        exit(4);
    }
    wait_for(child, 4);
    leak_them(1, 500);
}

/* While other threads are in the middle of it. */
static void fork_often(void)
{
    pthread_t all[3];
    for (unsigned i = 0; i < 3; i++)
        need(pthread_create(&all[i], NULL, work, NULL) == 0, "pthread_create");
    for (unsigned i = 0; i < 50; i++) {
        pid_t child = fork();
        if (child == 0) {
            leak_them(2, 50);
            let_go(keep(malloc(10)));
            _exit(5);
        }
        wait_for(child, 5);
    }
    for (unsigned i = 0; i < 3; i++)
        need(pthread_join(all[i], NULL) == 0, "pthread_join");
}

static void vforks(void)
{
    pid_t child = vfork();
    if (child == 0)
        _exit(6);
    wait_for(child, 6);
    leak_them(7, 70);
}

static void execs(char **argv)
{
    leak_them(9, 90);
    char *words[] = { argv[0], (char *)"leak", (char *)"5", (char *)"77", NULL };
    execv("/proc/self/exe", words);
    need(0, "execv");
}

static void spawns(char **argv)
{
    char command[4096];
    snprintf(command, sizeof command, "%s leak 2 22", argv[0]);
    need(system(command) == 0, "system");
    leak_them(1, 11);
}

/* ---- ends ---- */

static void *busy(void *data)
{
    for (;;)
        let_go(keep(malloc(100)));
    return data;
}

static void exit_while_busy(void)
{
    pthread_t all[4];
    for (unsigned i = 0; i < 4; i++)
        need(pthread_create(&all[i], NULL, busy, NULL) == 0, "pthread_create");
    usleep(20000);
    exit(0);
}

static void at_exit(void)
{
    leak_them(3, 33);
}

static pthread_t main_thread;

static void *send_signals(void *data)
{
    for (unsigned i = 0; i < 30; i++) {
        pthread_kill(main_thread, SIGUSR2);
        usleep(10000);
    }
    atomic_store((atomic_bool *)data, true);
    return NULL;
}

static void signals_inside(void)
{
    static atomic_bool over;
    main_thread = pthread_self();
    pthread_t sender;
    need(pthread_create(&sender, NULL, send_signals, &over) == 0, "pthread_create");
    while (!over)
        let_go(keep(realloc(keep(malloc(100)), 200)));
    need(pthread_join(sender, NULL) == 0, "pthread_join");
}

static void on_alarm(int number)
{
    _exit(number == SIGALRM ? 8 : 1);
}

/* ---- places ---- */

__attribute__((noinline)) static void *descend(unsigned depth)
{
    void *block = depth ? descend(depth - 1) : malloc(12345);
    KEEP(block);
    return block;
}

static void refused(void)
{
    void *block = keep(malloc(300));
    volatile size_t huge = SIZE_MAX / 4;
    need(realloc(block, huge) == NULL, "realloc of too much");
    need(reallocarray(block, huge, 8) == NULL, "reallocarray of too much");
    need(malloc(huge) == NULL && calloc(huge, 8) == NULL, "too much");
    void *other;
    need(posix_memalign(&other, 3, 10) != 0, "posix_memalign with a wrong alignment");
    KEEP(block);
    void *freed = keep(malloc(50));
    freed = realloc(freed, 0); /* gives it back */
    KEEP(freed);
    free(NULL);
}

static void loads(const char *path)
{
    for (unsigned i = 0; i < 3; i++) {
        void *library = dlopen(path, RTLD_NOW);
        need(library != NULL, "dlopen");
        void *at = dlsym(library, "library_leak");
        void (*leak)(void);
        memcpy(&leak, &at, sizeof leak);
        need(leak != NULL, "dlsym");
        leak();
        need(dlclose(library) == 0, "dlclose");
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    unsigned numbers[4] = { 0 };
    for (int i = 2; i < argc && i < 6; i++)
        numbers[i - 2] = (unsigned)strtoul(argv[i], NULL, 10);
    rounds = numbers[1];
    if (strcmp(what, "nothing") == 0)
        return 0;
    if (strcmp(what, "leak") == 0)
        leak_them(numbers[0], numbers[1]);
    else if (strcmp(what, "threads") == 0)
        threads(numbers[0]);
    else if (strcmp(what, "hand") == 0)
        hand_over();
    else if (strcmp(what, "fork") == 0)
        forks();
    else if (strcmp(what, "forks") == 0)
        fork_often();
    else if (strcmp(what, "vfork") == 0)
        vforks();
    else if (strcmp(what, "exec") == 0)
        execs(argv);
    else if (strcmp(what, "spawn") == 0)
        spawns(argv);
    else if (strcmp(what, "busy") == 0)
        exit_while_busy();
    else if (strcmp(what, "atexit") == 0)
        atexit(at_exit);
    else if (strcmp(what, "_exit") == 0)
        leak_them(2, 20), _exit(7);
    else if (strcmp(what, "quick") == 0)
        leak_them(2, 20), quick_exit(9);
    else if (strcmp(what, "alarm") == 0)
        signal(SIGALRM, on_alarm), ualarm(20000, 0), (void)busy(NULL);
    else if (strcmp(what, "signal") == 0)
        leak_them(1, 100), raise(SIGUSR2), leak_them(1, 100), raise(SIGUSR2), leak_them(1, 100);
    else if (strcmp(what, "signals") == 0)
        signals_inside();
    else if (strcmp(what, "abort") == 0)
        abort();
    else if (strcmp(what, "descend") == 0)
        (void)descend(numbers[0]);
    else if (strcmp(what, "refused") == 0)
        refused();
    else if (strcmp(what, "load") == 0)
        loads(argc > 2 ? argv[2] : "");
    else
        return 2;
    return 0;
}
