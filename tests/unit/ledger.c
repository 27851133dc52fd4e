/* tests/unit/ledger.c: what a ledger tells before a release too many stops the process; books of many entries. */
#include "fixture.h"
#include "types.h"

#include "trace/ledger.h"
#include "trace/site.h"

#include <husk/kinds.h>
#include <husk/ledger.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- releases too many ---- */

static husk_heap *doomed;

static husk_obj *begin(const husk_type *type)
{
    husk_ledger_options options = { HUSK_LEDGER_OPTIONS };
    if (husk_ledger_start(doomed, &options) != HUSK_OK)
        _exit(1);
    return node_new(doomed, type, 1);
}

static __attribute__((noinline)) void let_go(husk_obj *obj)
{
    husk_obj_release(obj);
    __asm__ volatile("" ::: "memory"); /* no tail call */
}

static void of_a_dead_one(void)
{
    husk_obj *obj = begin(type_node);
    let_go(obj);
    let_go(obj);
}

static void by_a_name_of_a_dead_one(void)
{
    husk_obj *obj = begin(type_node);
    husk_ledger_give(obj, NULL, "the cache");
    husk_ledger_release(obj, "the cache");
    husk_ledger_release(obj, "the cache");
}

static void release_self(node *self)
{
    husk_obj_release(husk_obj_of(self));
}

static void in_a_finalizer(void)
{
    husk_obj *obj = begin(type_hooked);
    node_of(obj)->hook = release_self;
    let_go(obj);
}

static void of_what_a_slot_holds(void)
{
    husk_obj *obj = begin(type_node), *holder = node_new(doomed, type_node, 2);
    link_a(holder, obj);
    let_go(obj);
    let_go(obj); /* the slot's */
    let_go(holder);
}

static void *retain_elsewhere(void *obj)
{
    husk_obj_retain(obj);
    return NULL;
}

static void by_another_thread(void)
{
    husk_heap_options options = { HUSK_HEAP_OPTIONS, .check_owner = true };
    doomed = heap_open(&options);
    pthread_t thread;
    pthread_create(&thread, NULL, retain_elsewhere, begin(type_node));
    pthread_join(thread, NULL);
}

/* The words are found one behind the other. */
static void stops(void (*mistake)(void), const char *const *words)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL); /* cmocka catches it */
        dup2(ends[1], 2);
        close(ends[0]);
        doomed = heap_open(NULL);
        mistake();
        _exit(0);
    }
    close(ends[1]);
    char text[8000] = "";
    size_t length = 0;
    for (ssize_t n;
         length < sizeof text - 1 && (n = read(ends[0], text + length, sizeof text - 1 - length)) > 0;)
        length += (size_t)n;
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    const char *at = text;
    for (; at && *words; words++)
        if (!(at = strstr(at, *words)))
            fail_msg("wanted \"%s\" in: %s", *words, text);
}
#define STOPS(mistake, ...) stops(mistake, (const char *const[]){ __VA_ARGS__, NULL })

static void test_told_before_the_end(void **state)
{
    (void)state;
    STOPS(of_a_dead_one, "what stood at", "was node #1", "died:", "born:", "release of a dead object");
    STOPS(by_a_name_of_a_dead_one, "was node #1", "died:", "release of a dead object");
    STOPS(in_a_finalizer, "hooked #1 has no reference left", "born:", "already zero");
    STOPS(of_what_a_slot_holds, "died:", "release");
    STOPS(by_another_thread, "used by a thread that does not own it");
}

/* ---- books of many entries ---- */

static struct husk__owner holder(uintptr_t address, uint16_t slot)
{
    return (struct husk__owner){ .id = address, .slot = slot, .kind = LEDGER_HOLDER };
}

/* A million entries of as many owners, and one owner's among them: none of it is searched for in a list. */
static void test_many_entries(void **state)
{
    (void)state;
    enum { MANY = 300000 };
    struct husk__ledger *ledger;
    int thing;
    assert_int_equal(husk__ledger_new(4, 0, 4, 0, &ledger), HUSK_OK);
    uint32_t book = husk__ledger_open(ledger, &thing, 1);
    assert_int_not_equal(book, 0);
    for (uintptr_t i = 1; i <= MANY; i++) {
        struct husk__owner one = holder(i * 64, (uint16_t)(i % 3)), same = holder(7, LEDGER_ITEM);
        husk__ledger_in(ledger, book, &one, LEDGER_RETAIN, TRACE_UNKNOWN);
        husk__ledger_in(ledger, book, &same, LEDGER_RETAIN, TRACE_UNKNOWN);
    }
    assert_null(husk__ledger_check(ledger, book));
    assert_int_equal(ledger->entries.in_use, 2 * MANY);
    size_t bytes = husk__ledger_bytes(ledger);
    for (uintptr_t i = 1; i <= MANY; i++) { /* the oldest first */
        struct husk__owner one = holder(i * 64, (uint16_t)(i % 3)), same = holder(7, LEDGER_ITEM);
        assert_true(husk__ledger_has(ledger, book, &one));
        assert_true(husk__ledger_out(ledger, book, &one, 0, NULL));
        assert_true(husk__ledger_out(ledger, book, &same, 0, NULL));
    }
    assert_int_equal(ledger->entries.in_use, 0);
    assert_int_equal(ledger->chains.in_use, 0);
    struct husk__owner other = holder(7, 1);
    assert_true(husk__ledger_out(ledger, book, &other, TRACE_UNKNOWN, NULL)); /* the one from before */
    assert_null(husk__ledger_check(ledger, book));
    husk__ledger_close(ledger, book);
    assert_string_equal(husk__ledger_check(ledger, book), "its book is not open");
    assert_int_equal(husk__ledger_bytes(ledger), bytes);
    assert_int_equal(husk__ledger_open(ledger, &thing, 0), book); /* rows are used again */
    husk__ledger_free(ledger);
}

static void test_names_and_deaths(void **state)
{
    (void)state;
    struct husk__ledger *ledger;
    int things[5];
    assert_int_equal(husk__ledger_new(4, 0, 3, 0, &ledger), HUSK_OK);
    assert_int_equal(husk__ledger_name("a"), husk__ledger_name("a"));
    assert_int_not_equal(husk__ledger_name("a"), husk__ledger_name("b"));
    struct husk__owner named = { .id = 0, .kind = LEDGER_NAMED }; /* no memory for it */
    uint32_t book = husk__ledger_open(ledger, &things[0], 0);
    husk__ledger_in(ledger, book, &named, LEDGER_RETAIN, TRACE_UNKNOWN);
    assert_int_equal(husk__ledger_book_at(ledger, book)->lost, 1);
    assert_true(husk__ledger_out(ledger, book, &named, TRACE_UNKNOWN, NULL));
    assert_false(husk__ledger_out(ledger, book, &named, TRACE_UNKNOWN, NULL) &&
                 husk__ledger_book_at(ledger, book)->unpaired == 0);
    husk__ledger_book_at(ledger, book)->count = 0; /* one too many was taken off on purpose */
    husk__ledger_close(ledger, book);
    for (uint32_t i = 0; i < 5; i++) {
        book = husk__ledger_open(ledger, &things[i], 1);
        husk__ledger_die(ledger, book, i, TRACE_UNKNOWN);
    }
    assert_null(husk__ledger_death_of(ledger, &things[1]));
    for (uint32_t i = 2; i < 5; i++)
        assert_int_equal(husk__ledger_death_of(ledger, &things[i])->type, i);
    husk__ledger_free(ledger);
}

int main(void)
{
    types_setup();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_told_before_the_end),
        cmocka_unit_test(test_many_entries),
        cmocka_unit_test(test_names_and_deaths),
    };
    return RUN_ROUNDS("ledger", tests);
}
