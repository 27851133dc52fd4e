/* tests/flow/gcstat.c: passes of a process, seen by another. */
#define _GNU_SOURCE
#include "story.h"
#include "types.h"

#include <husk/gcstat.h>
#include <husk/step.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH = 300 };

/* A folder of this test's as the user's runtime folder. */
static char folder[] = "/tmp/husk-gcstat-XXXXXX";

static void move_in(void)
{
    (void)strcpy(folder + strlen(folder) - 6, "XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(setenv("XDG_RUNTIME_DIR", folder, 1), 0);
}

static void move_out(void)
{
    husk_gcstat_stop();
    assert_false(husk_gcstat_is_on());
    assert_int_equal(rmdir(folder), 0); /* nothing was left */
    assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
}

static const char *path_of(pid_t pid)
{
    static char path[PATH];
    (void)snprintf(path, sizeof path, "%s/husk-gcstat.%d", folder, (int)pid);
    return path;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void a_heap_is_seen(husk_heap *heap)
{
    static husk_gcstat rows[HUSK_GCSTAT_HEAPS];
    size_t count;
    move_in();
    assert_int_equal(husk_gcstat_read(getpid(), rows, 1, &count), HUSK_EMISSING);
    assert_non_null(strstr(husk_message(), "has no page of statistics"));
    assert_int_equal(husk_gcstat_start(), HUSK_OK);
    assert_int_equal(husk_gcstat_start(), HUSK_OK); /* the same page */
    assert_true(husk_gcstat_is_on());
    struct stat about;
    assert_int_equal(stat(path_of(getpid()), &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
    assert_int_equal(about.st_uid, geteuid());
    assert_int_equal(husk_gcstat_read(getpid(), rows, HUSK_GCSTAT_HEAPS, &count), HUSK_OK);
    assert_int_equal(count, 0); /* comes with its next pass */

    HOLD kept = husk_obj_new(heap, type_node);
    assert_non_null(kept);
    for (int i = 0; i < 7; i++)
        assert_true(litter(heap, i < 4 ? type_node : type_hooked));
    assert_int_equal(collect(heap), 7);
    assert_int_equal(husk_gcstat_read(getpid(), rows, HUSK_GCSTAT_HEAPS, &count), HUSK_OK);
    assert_int_equal(count, 1);
    const husk_gcstat *shown = &rows[0];
    husk_pass_record r;
    assert_int_equal(husk_heap_pass_record(heap, husk_heap_pass_count(heap), &r), HUSK_OK);
    assert_string_equal(shown->name, husk_heap_name(heap));
    assert_int_equal(shown->latest.number, r.number);
    assert_int_equal(shown->latest.freed, 7);
    assert_int_equal(shown->latest.held, 1);
    assert_int_equal(shown->latest.pause_ns, r.pause_ns);
    assert_memory_equal(shown->latest.ns, r.ns, sizeof r.ns);
    assert_int_equal(shown->latest.types, 2);
    assert_null(shown->latest.by_type[0].type);
    assert_string_equal(shown->types[0], husk_type_name(r.by_type[0].type));
    assert_string_equal(shown->types[1], husk_type_name(r.by_type[1].type));
    assert_true(shown->written_ns >= r.start_ns + r.pause_ns);
    husk_pass_sums sums;
    husk_pauses pauses;
    assert_int_equal(husk_heap_pass_sums(heap, HUSK_FULL, &sums), HUSK_OK);
    assert_memory_equal(&shown->sums[HUSK_FULL], &sums, sizeof sums);
    assert_int_equal(husk_heap_pauses(heap, HUSK_FULL, &pauses), HUSK_OK);
    assert_memory_equal(&shown->pauses[HUSK_FULL], &pauses, sizeof pauses);
    assert_memory_equal(&shown->all_pauses, &pauses, sizeof pauses);

    /* More heaps than there is room for. */
    husk_heap *others[HUSK_GCSTAT_HEAPS + 3];
    for (size_t i = 0; i < HUSK_GCSTAT_HEAPS + 3; i++)
        assert_int_equal(husk_heap_new(NULL, &others[i]), HUSK_OK);
    assert_int_equal(husk_gcstat_read(getpid(), rows, 2, &count), HUSK_OK);
    assert_int_equal(count, HUSK_GCSTAT_HEAPS);
    for (size_t i = 0; i < HUSK_GCSTAT_HEAPS + 3; i++)
        husk_heap_close(others[i]);
    assert_int_equal(husk_gcstat_read(getpid(), rows, HUSK_GCSTAT_HEAPS, &count), HUSK_OK);
    assert_int_equal(count, 1);

    /* A page that has gone and comes again. */
    husk_gcstat_stop();
    assert_false(exists(path_of(getpid())));
    collect(heap);
    assert_int_equal(husk_gcstat_start(), HUSK_OK);
    collect(heap);
    assert_int_equal(husk_gcstat_read(getpid(), rows, HUSK_GCSTAT_HEAPS, &count), HUSK_OK);
    assert_int_equal(count, 1);
    assert_int_equal(rows[0].latest.number, husk_heap_pass_count(heap));
    move_out();
}

/* ---- processes ---- */

/* Says when the child is ready, and waits for its end. */
typedef struct child {
    pid_t pid;
    int ready, go;
} child;

static void write_one(int to)
{
    if (write(to, "x", 1) != 1)
        _exit(9);
}

static bool read_one(int from)
{
    char c;
    return read(from, &c, 1) == 1;
}

typedef int child_fn(husk_heap *heap, int ready, int go);

static child start(child_fn *fn, husk_heap *heap)
{
    int ready[2], go[2];
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ready[0]);
        (void)close(go[1]);
        exit(fn(heap, ready[1], go[0]));
    }
    (void)close(ready[1]);
    (void)close(go[0]);
    return (child){ pid, ready[0], go[1] };
}

static int end(child *c)
{
    int status = -1;
    (void)close(c->go);
    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    (void)close(c->ready);
    return status;
}

/* A heap of its own, seen because of the environment; ends without closing it. */
static int lives_alone(husk_heap *heap, int ready, int go)
{
    husk_heap_options options = { HUSK_HEAP_OPTIONS, .name = "alone" };
    static husk_heap *own; /* not closed, and not lost */
    (void)heap;
    if (setenv("HUSK_GCSTAT", "1", 1) != 0 || husk_heap_new(&options, &own) != HUSK_OK)
        return 1;
    for (int i = 0; i < 5; i++)
        if (!litter(own, type_node))
            return 2;
    if (husk_heap_collect(own, NULL) != HUSK_OK)
        return 3;
    write_one(ready);
    (void)read_one(go);
    return 0;
}

static void another_process_is_seen(husk_heap *heap)
{
    static husk_gcstat rows[4];
    size_t count;
    int pids[4];
    move_in();
    child one = start(lives_alone, heap);
    assert_true(read_one(one.ready));
    assert_int_equal(husk_gcstat_read(one.pid, rows, 4, &count), HUSK_OK);
    assert_int_equal(count, 1);
    assert_string_equal(rows[0].name, "alone");
    assert_int_equal(rows[0].latest.freed, 5);
    assert_int_equal(husk_gcstat_list(pids, 4, &count), HUSK_OK);
    assert_int_equal(count, 1);
    assert_int_equal(pids[0], one.pid);
    assert_int_equal(end(&one), 0);
    assert_false(exists(path_of(one.pid))); /* removed at exit, though its heap was not closed */
    assert_int_equal(husk_gcstat_read(one.pid, rows, 4, &count), HUSK_EMISSING);
    assert_non_null(strstr(husk_message(), "there is no process"));
    move_out();
}

/* A process that is killed cannot remove its page: whoever comes by next does. */
static void pages_of_the_dead_are_removed(husk_heap *heap)
{
    int pids[4];
    size_t count;
    move_in();
    for (int round = 0; round < 2; round++) {
        child one = start(lives_alone, heap);
        assert_true(read_one(one.ready));
        assert_int_equal(kill(one.pid, SIGKILL), 0);
        assert_true(WIFSIGNALED(end(&one)));
        assert_true(exists(path_of(one.pid)));
        if (round == 0) {
            assert_int_equal(husk_gcstat_list(pids, 4, &count), HUSK_OK);
            assert_int_equal(count, 0);
        } else {
            assert_int_equal(husk_gcstat_start(), HUSK_OK);
        }
        assert_false(exists(path_of(one.pid)));
    }
    move_out();
}

/* The number of a dead process comes again: its page is not the new one's. */
static int comes_again(husk_heap *heap, int ready, int go)
{
    int file = open(path_of(getpid()), O_CREAT | O_WRONLY | O_EXCL, 0600);
    if (file < 0 || write(file, "old", 3) != 3 || close(file) != 0)
        return 11;
    return lives_alone(heap, ready, go);
}

static void a_number_that_comes_again(husk_heap *heap)
{
    static husk_gcstat shown;
    size_t count;
    move_in();
    child one = start(comes_again, heap);
    assert_true(read_one(one.ready));
    assert_int_equal(husk_gcstat_read(one.pid, &shown, 1, &count), HUSK_OK);
    assert_int_equal(shown.latest.freed, 5);
    assert_int_equal(end(&one), 0);
    move_out();
}

/* The child of a process that is seen: its passes are not its parent's, and it has a page of its own in the end. */
static int is_a_child(husk_heap *heap, int ready, int go)
{
    static husk_gcstat rows[4];
    size_t count;
    if (husk_gcstat_read(getpid(), rows, 4, &count) != HUSK_EMISSING)
        return 21;
    for (int i = 0; i < 3; i++)
        if (!litter(heap, type_node))
            return 22;
    if (husk_heap_collect(heap, NULL) != HUSK_OK)
        return 23;
    if (husk_gcstat_read(getpid(), rows, 4, &count) != HUSK_OK || count != 1 || rows[0].latest.freed != 3)
        return 24;
    write_one(ready);
    (void)read_one(go);
    return 0;
}

static void a_child_has_its_own_page(husk_heap *heap)
{
    static husk_gcstat rows[4];
    size_t count;
    move_in();
    assert_int_equal(husk_gcstat_start(), HUSK_OK);
    assert_true(litter(heap, type_node));
    assert_int_equal(collect(heap), 1);
    child one = start(is_a_child, heap);
    assert_true(read_one(one.ready));
    assert_true(exists(path_of(one.pid)));
    assert_int_equal(husk_gcstat_read(getpid(), rows, 4, &count), HUSK_OK);
    assert_int_equal(count, 1);
    assert_int_equal(rows[0].latest.freed, 1); /* as it was */
    assert_int_equal(end(&one), 0);
    assert_true(exists(path_of(getpid())));
    assert_false(exists(path_of(one.pid)));
    move_out();
}

/* A parent that was killed is known as dead though its child lives on. */
static int lives_on(husk_heap *heap, int ready, int go)
{
    if (husk_gcstat_start() != HUSK_OK || husk_heap_collect(heap, NULL) != HUSK_OK)
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        write_one(ready);
        (void)read_one(go);
        _exit(0);
    }
    (void)kill(getpid(), SIGKILL);
    return 2;
}

static void a_child_does_not_keep_its_parents_page(husk_heap *heap)
{
    int pids[4], status;
    size_t count;
    move_in();
    child one = start(lives_on, heap);
    assert_true(read_one(one.ready));
    assert_int_equal(waitpid(one.pid, &status, 0), one.pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(husk_gcstat_list(pids, 4, &count), HUSK_OK);
    assert_int_equal(count, 0);
    assert_false(exists(path_of(one.pid)));
    (void)close(one.go);
    (void)close(one.ready);
    move_out();
}

/* ---- what is refused ---- */

static void spoil(const char *path, off_t at, const void *bytes, size_t length)
{
    int file = open(path, O_WRONLY);
    assert_true(file >= 0);
    assert_int_equal(pwrite(file, bytes, length, at), (ssize_t)length);
    assert_int_equal(close(file), 0);
}

static void what_cannot_be_read_says_why(husk_heap *heap)
{
    static husk_gcstat shown;
    static const uint64_t zero, halfway = 7, other = 99;
    size_t count;
    move_in();
    assert_int_equal(husk_gcstat_read(0, &shown, 1, &count), HUSK_ERANGE);
    assert_int_equal(husk_gcstat_read(-3, &shown, 1, &count), HUSK_ERANGE);
    assert_non_null(strstr(husk_message(), "-3 is no number of a process"));
    assert_int_equal(husk_gcstat_read(0x7ffffff0, &shown, 1, &count), HUSK_EMISSING);
    assert_non_null(strstr(husk_message(), "there is no process 2147483632"));
    assert_int_equal(husk_gcstat_read(getpid(), &shown, 1, &count), HUSK_EMISSING);

    /* Anybody's file under the name: nobody holds it. */
    int file = open(path_of(getpid()), O_CREAT | O_WRONLY, 0644);
    assert_true(file >= 0);
    assert_int_equal(close(file), 0);
    assert_int_equal(husk_gcstat_read(getpid(), &shown, 1, &count), HUSK_EMISSING);
    assert_int_equal(symlink("/etc/passwd", path_of(getpid())), 0); /* the file has been swept away */
    assert_int_equal(husk_gcstat_read(getpid(), &shown, 1, &count), HUSK_EIO);
    assert_int_equal(husk_gcstat_start(), HUSK_EIO);
    assert_false(husk_gcstat_is_on());
    assert_int_equal(unlink(path_of(getpid())), 0);

    assert_int_equal(husk_gcstat_start(), HUSK_OK);
    collect(heap);
    assert_int_equal(husk_gcstat_read(getpid(), &shown, 1, &count), HUSK_OK);
    uint64_t version = 2, magic;
    file = open(path_of(getpid()), O_RDONLY);
    assert_int_equal(read(file, &magic, sizeof magic), sizeof magic);
    assert_int_equal(close(file), 0);
    spoil(path_of(getpid()), 8, &other, 8);
    assert_int_equal(husk_gcstat_read(getpid(), &shown, 1, &count), HUSK_EFORMAT);
    assert_non_null(strstr(husk_message(), "has layout 99"));
    spoil(path_of(getpid()), 8, &version, 8);
    spoil(path_of(getpid()), 0, &zero, 8);
    assert_int_equal(husk_gcstat_read(getpid(), &shown, 1, &count), HUSK_EFORMAT);
    spoil(path_of(getpid()), 0, &magic, 8);
    spoil(path_of(getpid()), 16, &other, 8);
    assert_int_equal(husk_gcstat_read(getpid(), &shown, 1, &count), HUSK_EFORMAT);
    assert_non_null(strstr(husk_message(), "of process 99"));
    uint64_t pid = (uint64_t)getpid();
    spoil(path_of(getpid()), 16, &pid, 8);
    spoil(path_of(getpid()), 64, &halfway, 8); /* its writer has been stopped in the middle */
    assert_int_equal(husk_gcstat_read(getpid(), &shown, 1, &count), HUSK_EBUSY);
    husk_gcstat_stop();
    assert_int_equal(husk_gcstat_start(), HUSK_OK);

    /* Numbers of names and types that nobody has checked. */
    collect(heap);
    unsigned char junk[sizeof shown];
    memset(junk, 0xFF, sizeof junk);
    spoil(path_of(getpid()), 72, junk, sizeof junk);
    assert_int_equal(husk_gcstat_read(getpid(), &shown, 1, &count), HUSK_OK);
    assert_int_equal(strlen(shown.name), HUSK_GCSTAT_NAME - 1);
    assert_int_equal(shown.latest.types, HUSK_RECORD_TYPES);
    assert_null(shown.latest.by_type[7].type);
    move_out();
}

static void folders_that_are_none(husk_heap *heap)
{
    static husk_gcstat shown;
    static const char *const wrong[] = { "relative", "/no/such/folder", "/etc/passwd", "" };
    size_t count;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) { /* then it is /dev/shm */
        char path[64];
        assert_int_equal(setenv("XDG_RUNTIME_DIR", wrong[i], 1), 0);
        if (husk_gcstat_start() != HUSK_OK) { /* there may be none */
            assert_string_not_equal(husk_message(), "");
            continue;
        }
        collect(heap);
        assert_int_equal(husk_gcstat_read(getpid(), &shown, 1, &count), HUSK_OK);
        assert_int_equal(count, 1);
        (void)snprintf(path, sizeof path, "/dev/shm/husk-gcstat.%d", (int)getpid());
        bool there = exists(path);
        husk_gcstat_stop();
        assert_false(there && exists(path));
    }
    assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
}

static void gcstat_refuses_other_values(husk_heap *heap)
{
    husk_heap *other = NULL;
    (void)heap;
    assert_int_equal(setenv("HUSK_GCSTAT", "true", 1), 0);
    assert_int_equal(husk_heap_new(NULL, &other), HUSK_EINVAL);
    assert_null(other);
    assert_string_equal(husk_message(), "HUSK_GCSTAT=true: it is 1, or 0 for off");
    assert_int_equal(setenv("HUSK_GCSTAT", "0", 1), 0);
    assert_int_equal(husk_heap_new(NULL, &other), HUSK_OK);
    assert_false(husk_gcstat_is_on());
    husk_heap_close(other);
    assert_int_equal(unsetenv("HUSK_GCSTAT"), 0);
}

/* ---- while it is written ---- */

static _Atomic bool enough;

/* A heap whose passes free n objects, of n bytes' worth, n times: whoever reads halves sees it. */
static void *write_all_the_time(void *data)
{
    husk_heap *heap;
    (void)data;
    if (husk_heap_new(NULL, &heap) != HUSK_OK)
        return NULL;
    (void)husk_heap_set_young(heap, 0);
    for (int i = 0; !enough; i++) {
        for (int n = 0; n < i % 50; n++)
            if (!litter(heap, type_node))
                enough = true;
        (void)husk_heap_collect(heap, NULL);
    }
    husk_heap_close(heap);
    return NULL;
}

static void look(const husk_gcstat *shown)
{
    uint64_t ns = 0, objects = shown->latest.rest.objects;
    const husk_pass_record *r = &shown->latest;
    for (int p = 0; p < HUSK_PARTS; p++)
        ns += r->ns[p];
    for (uint32_t i = 0; i < r->types; i++)
        objects += r->by_type[i].objects;
    assert_int_equal(r->pause_ns, ns);
    assert_int_equal(r->freed, objects);
    assert_int_equal(r->candidates, r->freed);
    assert_int_equal(shown->sums[HUSK_FULL].passes, r->number);
    assert_int_equal(shown->pauses[HUSK_FULL].count, r->number);
    assert_true(shown->written_ns >= r->start_ns + r->pause_ns);
}

/* Readers of this process and another, writers that come and go with their heaps: what is seen is always whole. */
static int reads_all_the_time(husk_heap *heap, int ready, int go)
{
    static husk_gcstat rows[HUSK_GCSTAT_HEAPS];
    size_t count;
    (void)heap;
    (void)ready;
    (void)go;
    for (int i = 0; i < 3000; i++) {
        if (husk_gcstat_read(getppid(), rows, HUSK_GCSTAT_HEAPS, &count) != HUSK_OK)
            return 1;
        for (size_t k = 0; k < count && k < HUSK_GCSTAT_HEAPS; k++)
            look(&rows[k]);
    }
    return 0;
}

static void what_is_read_is_whole(husk_heap *heap)
{
    enum { WRITERS = 3 };
    static husk_gcstat rows[HUSK_GCSTAT_HEAPS];
    pthread_t threads[WRITERS];
    size_t count;
    uint64_t seen = 0, highest = 0;
    move_in();
    assert_int_equal(husk_gcstat_start(), HUSK_OK);
    child one = start(reads_all_the_time, heap);
    enough = false;
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_all_the_time, NULL), 0);
    for (size_t i = 0; i < story_size(3000, 300); i++) {
        assert_int_equal(husk_gcstat_read(getpid(), rows, HUSK_GCSTAT_HEAPS, &count), HUSK_OK);
        for (size_t k = 0; k < count; k++) {
            look(&rows[k]);
            seen++;
            highest = rows[k].latest.number > highest ? rows[k].latest.number : highest;
        }
    }
    assert_int_equal(end(&one), 0);
    enough = true;
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(seen > 0);
    assert_true(highest > 1);
    move_out();
}

STORIES(STORY(a_heap_is_seen, STORY_NO_FAULT), STORY(another_process_is_seen, STORY_NO_FAULT),
        STORY(pages_of_the_dead_are_removed, STORY_NO_FAULT),
        STORY(a_number_that_comes_again, STORY_NO_FAULT), STORY(a_child_has_its_own_page, STORY_NO_FAULT),
        STORY(a_child_does_not_keep_its_parents_page, STORY_NO_FAULT),
        STORY(what_cannot_be_read_says_why, STORY_NO_FAULT), STORY(folders_that_are_none, STORY_NO_FAULT),
        STORY(gcstat_refuses_other_values, STORY_NO_FAULT), STORY(what_is_read_is_whole, STORY_NO_FAULT));
