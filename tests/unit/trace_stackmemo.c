/* tests/unit/trace_stackmemo.c: stacks told from memory where memory may deceive: other code at the same address, other
 * stacks at the same place, the same function at another depth. Random stacks are in trace_unwind.c. */
#define _GNU_SOURCE
#include "fixture.h"
#include "random.h"

#include "chain.h"
#include "trace/stackmemo.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__x86_64__)
#define TABLES 1 /* only what tables say is kept */
#else
#define TABLES 0
#endif

enum { MOST = 64 };

static struct husk__stackmemo memo;
static uintptr_t walked[MOST], told[MOST];
static unsigned count;
static uint64_t number; /* of the stack at hand */
static uint64_t known;  /* what it was known by before */
static unsigned kept;   /* how many could be kept */

static char *guarded(size_t size)
{
    char *map = mmap(NULL, size + 2 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    assert_int_equal(mprotect(map + 4096, size, PROT_READ | PROT_WRITE), 0);
    return map + 4096;
}

/* A stack without memory, and from it. */
static void compare(const struct husk__unwind_start *from)
{
    count = husk__unwind(from, walked, MOST);
    known = husk__stackmemo_find(&memo, from);
    for (unsigned i = 0; i < 2; i++) {
        number = from->pc;
        assert_int_equal(husk__stackmemo_unwind(&memo, from, told, MOST, &number), count);
        assert_memory_equal(told, walked, count * sizeof *told);
        number |= 1;
        husk__stackmemo_keep(&memo, from, MOST, number);
    }
    assert_true(known == 0 || known == number);
    kept += husk__stackmemo_find(&memo, from) == number;
}

/* The caller's. */
__attribute__((noinline)) static void look(void)
{
    struct husk__unwind_start here = husk__unwind_here();
    compare(&here);
}

/* ---- depth, and callers ---- */

#define KEEP(n) __asm__ volatile("" : "+r"(n))

__attribute__((noinline)) static int deep(unsigned depth)
{
    int n = 0;
    if (depth)
        n = deep(depth - 1) + 1;
    else
        look();
    KEEP(n);
    return n;
}

static void test_depth(void **state)
{
    (void)state;
    memset(&memo, 0, sizeof memo);
    kept = 0;
    unsigned least = 0;
    for (unsigned round = 0; round < 3; round++)
        for (unsigned depth = 0; depth < 50; depth++) {
            (void)deep(depth);
            if (depth == 0)
                least = count;
            assert_int_equal(count, least + depth < MOST ? least + depth : MOST);
        }
    if (TABLES)
        assert_true(kept > 50);
}

/* The same places up to a common caller, which has the same stack pointer, and different ones above. */
#define CALLER(name)                                                                                         \
    __attribute__((noinline)) static int name(unsigned depth)                                                \
    {                                                                                                        \
        int n = deep(depth);                                                                                 \
        KEEP(n);                                                                                             \
        return n;                                                                                            \
    }
CALLER(caller_1)
CALLER(caller_2)

static void test_callers(void **state)
{
    (void)state;
    memset(&memo, 0, sizeof memo);
    int (*const volatile callers[2])(unsigned) = { caller_1, caller_2 };
    for (unsigned depth = 0; depth < 14; depth++) {
        uint64_t numbers[2] = { 0, 0 };
        for (unsigned round = 0; round < 12; round++) {
            unsigned which = round / 3 % 2; /* several times each, so that it is kept */
            (void)callers[which](depth);
            numbers[which] = number;
            if (round % 3 == 0)
                assert_int_equal(known, 0); /* the other one's words are not there */
            else if (TABLES)
                assert_int_equal(known, number);
        }
        assert_true(numbers[0] != numbers[1]);
    }
}

/* ---- random words for a stack, random registers ---- */

static void test_random(void **state)
{
    (void)state;
    enum { WORDS = 2048, CODES = 24 };
    random64 r = random_from(1);
    uintptr_t *words = (uintptr_t *)(void *)guarded(WORDS * sizeof *words), codes[CODES];
    for (unsigned i = 0; i < CODES; i++) {
        chain_fn *function = (i % 2 ? chain_tables : chain_pointers)[random_below(&r, CHAIN_ALIGNED)];
        codes[i] = (uintptr_t)function + 20 + random_below(&r, 40);
    }
    memset(&memo, 0, sizeof memo);
    kept = 0;
    unsigned found = 0, longest = 0;
    for (unsigned round = 0; round < 200000; round++) {
        for (unsigned i = round ? 20 : WORDS * 2; i; i--) {
            uintptr_t *word = &words[random_below(&r, WORDS)];
            unsigned kind = random_below(&r, 12);
            *word = kind == 0  ? random_below(&r, 2)
                    : kind < 3 ? (uintptr_t)&words[random_below(&r, WORDS)]
                               : codes[random_below(&r, CODES)];
        }
        /* Few beginnings, so that they are met again. */
        struct husk__unwind_start from = { codes[random_below(&r, 3)],
                                           (uintptr_t)&words[random_below(&r, 4) * 2],
                                           (uintptr_t)&words[random_below(&r, 3) * 8] };
        compare(&from);
        found += known != 0;
        longest = count > longest ? count : longest;
    }
    if (TABLES) {
        assert_true(kept > 1000 && found > 1000);
        assert_true(longest > 8);
    }
    munmap((char *)words - 4096, WORDS * sizeof *words + 2 * 4096);
}

/* ---- code that comes and goes ---- */

typedef int call_fn(int (*back)(void *), void *data);

static int looks(void *data)
{
    look();
    KEEP(data);
    return 0;
}

/* A place in the code that nobody unwound from before. */
static void look_elsewhere(void)
{
    static uintptr_t next;
    uintptr_t pc;
    struct husk__unwind_start here = husk__unwind_here();
    here.pc = (uintptr_t)qsort + ++next;
    (void)husk__unwind(&here, &pc, 1);
}

/* Where the function was. */
__attribute__((noinline)) static uintptr_t in_library(const char *path, bool silently)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(library);
    if (silently)
        look_elsewhere();
    void *at = dlsym(library, "frame_call");
    assert_non_null(at);
    call_fn *call;
    memcpy(&call, &at, sizeof call);
    for (unsigned i = 0; i < 3; i++)
        (void)call(looks, NULL);
    assert_int_equal(dlclose(library), 0);
    if (!silently)
        husk__unwind_forget();
    return (uintptr_t)at;
}

/* Other code at the address of what was unloaded, with a frame of another size. A walk would be wrong by old rows, too,
 * so the callers themselves are looked at. Silently: nobody says that it was unloaded, but a place that is new shows it. */
static void test_modules(void **state)
{
    (void)state;
    for (unsigned silently = 0; silently < 2; silently++) {
        memset(&memo, 0, sizeof memo);
        unsigned met = 0;
        uintptr_t before = 0;
        for (unsigned round = 0; round < 40; round++) {
            uintptr_t at = in_library(round % 2 ? FRAME_SMALL : FRAME_LARGE, silently);
            met += at == before;
            before = at;
            if (TABLES) { /* of look, looks, frame_call, in_library */
                assert_true(count > 3);
                assert_true(told[1] - at < 4096);
                assert_true(told[2] - (uintptr_t)in_library < 4096);
                assert_true(told[3] - (uintptr_t)test_modules < 4096);
            }
        }
#if TABLES && !defined(__SANITIZE_ADDRESS__) /* who keeps addresses for himself */
        assert_true(met > 0);                /* so it was a test */
#endif
    }
}

/* ---- stacks that come and go ---- */

static ucontext_t main_context, contexts[2];

static void in_coroutine(int which)
{
    for (;;) {
        (void)deep((unsigned)which * 3);
        swapcontext(&contexts[which], &main_context);
    }
}

static void make(unsigned which, void *stack, size_t size)
{
    assert_int_equal(getcontext(&contexts[which]), 0);
    contexts[which].uc_stack.ss_sp = stack;
    contexts[which].uc_stack.ss_size = size;
    contexts[which].uc_link = NULL;
    void (*function)(int) = in_coroutine;
    makecontext(&contexts[which], (void (*)(void))function, 1, (int)which);
}

/* Two that take turns, with the first stack between them; then a smaller one where a large one was. */
static void test_coroutines(void **state)
{
    (void)state;
    enum { SIZE = 1 << 16 };
    memset(&memo, 0, sizeof memo);
    char *stacks[2] = { guarded(SIZE), guarded(SIZE) };
    for (unsigned i = 0; i < 2; i++)
        make(i, stacks[i], SIZE);
    unsigned counts[2] = { 0, 0 };
    for (unsigned round = 0; round < 20; round++) {
        unsigned which = round % 2;
        assert_int_equal(swapcontext(&main_context, &contexts[which]), 0);
        assert_true(count < MOST);
        if (round >= 2)
            assert_int_equal(count, counts[which]);
        counts[which] = count;
        if (round % 3 == 0)
            (void)deep(2);
    }
    /* The upper half of the stack goes, and a new coroutine runs below: nothing beyond it can be read. */
    assert_int_equal(mprotect(stacks[0] + SIZE / 2, SIZE / 2, PROT_NONE), 0);
    make(0, stacks[0], SIZE / 2);
    (void)deep(1);
    for (unsigned round = 0; round < 3; round++)
        assert_int_equal(swapcontext(&main_context, &contexts[0]), 0);
    assert_int_equal(count, counts[0]);
    for (unsigned i = 0; i < 2; i++)
        munmap(stacks[i] - 4096, SIZE + 2 * 4096);
}

static void on_signal(int signal)
{
    (void)signal;
    (void)deep(2);
}

__attribute__((noinline)) static int raises(unsigned depth)
{
    int n = 0;
    if (depth)
        n = raises(depth - 1) + 1;
    else
        n = raise(SIGUSR1);
    KEEP(n);
    return n;
}

/* A handler on a stack of its own, called from different depths: its own frames are the same at the same place. */
static void test_other_stack(void **state)
{
    (void)state;
    enum { SIZE = 1 << 16 };
    memset(&memo, 0, sizeof memo);
    stack_t stack = { .ss_size = SIZE, .ss_sp = guarded(SIZE) }, before;
    assert_int_equal(sigaltstack(&stack, &before), 0);
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK }, old;
    assert_int_equal(sigaction(SIGUSR1, &action, &old), 0);
    unsigned least = 0;
    for (unsigned round = 0; round < 12; round++) {
        (void)raises(round % 4);
        if (round == 0)
            least = count;
        assert_int_equal(count, least); /* it ends where the handler began */
        (void)deep(round % 3);
    }
    assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
    assert_int_equal(sigaltstack(&before, NULL), 0);
    munmap((char *)stack.ss_sp - 4096, SIZE + 2 * 4096);
}

/* Not by memcpy: sanitizers mark what is between the variables there. */
__attribute__((no_sanitize("address", "thread"))) static void copy(volatile char *to,
                                                                   const volatile char *from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = from[i];
}

/* Two coroutines share a stack: the words of one are copied away while the other runs, at the same addresses. */
static void test_copied(void **state)
{
    (void)state;
    enum { SIZE = 1 << 15 };
    memset(&memo, 0, sizeof memo);
    char *stack = guarded(SIZE);
    char *copies[2] = { malloc(SIZE), malloc(SIZE) };
    for (unsigned i = 0; i < 2; i++) {
        make(i, stack, SIZE);
        copy(copies[i], stack, SIZE);
    }
    unsigned counts[2] = { 0, 0 };
    for (unsigned round = 0; round < 24; round++) {
        unsigned which = round / 2 % 2;
        copy(stack, copies[which], SIZE);
        assert_int_equal(swapcontext(&main_context, &contexts[which]), 0);
        copy(copies[which], stack, SIZE);
        if (counts[which])
            assert_int_equal(count, counts[which]);
        counts[which] = count;
    }
    assert_int_equal(counts[1], counts[0] + (TABLES ? 3 : 0));
    for (unsigned i = 0; i < 2; i++)
        free(copies[i]);
    munmap(stack - 4096, SIZE + 2 * 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depth),   cmocka_unit_test(test_callers),    cmocka_unit_test(test_random),
        cmocka_unit_test(test_modules), cmocka_unit_test(test_coroutines), cmocka_unit_test(test_other_stack),
        cmocka_unit_test(test_copied),
    };
    return RUN_ROUNDS("trace_stackmemo", tests);
}
