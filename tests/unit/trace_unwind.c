/* tests/unit/trace_unwind.c: stacks of random call chains, against what each function noted itself and against
 * the compiler's own unwinder; damaged tables and absurd registers. */
#define _GNU_SOURCE
#include "fixture.h"
#include "random.h"

#include "chain.h"
#include "trace/capture.h"
#include "trace/cfi.h"
#include "trace/stackrange.h"
#include "trace/stackmemo.h"
#include "trace/unwind.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#if defined(__x86_64__)
#define TABLES 1 /* code without frame pointers is walked through */
#else
#define TABLES 0
#endif

/* ---- what the compiler's unwinder sees ---- */

struct other {
    uintptr_t pcs[CHAIN_MOST];
    size_t count, most;
};

static _Unwind_Reason_Code collect_other(struct _Unwind_Context *context, void *data)
{
    struct other *other = data;
    int before = 0; /* the address is the interrupted instruction's, not the one behind a call */
    uintptr_t pc = (uintptr_t)_Unwind_GetIPInfo(context, &before);
    if (other->count == other->most || pc == 0)
        return _URC_END_OF_STACK;
    other->pcs[other->count++] = pc + (before ? 1 : 0);
    return _URC_NO_REASON;
}

static struct other other;
static uintptr_t ours[CHAIN_MOST], from_memory[CHAIN_MOST];
static _Thread_local struct husk__stackmemo memo;

static unsigned wholes_known;

/* The leaf of a chain: what must be there. */
struct want {
    bool notes, libgcc;
    bool may_end; /* what is there has to agree, and be `least` long */
    size_t least;
    unsigned most;
    unsigned found;
};

/* A stack that is known as a whole is known by the number that it was given; and it is, if it can be. */
static void check_whole(const struct husk__unwind_start *from, unsigned most, unsigned count)
{
    static _Thread_local struct husk__stackmemo wholes;
    static _Thread_local unsigned of; /* numbers of a memo are for one limit */
    if (of != most)
        memset(&wholes, 0, sizeof wholes);
    of = most;
    uint64_t hash = from->pc, again = hash;
    assert_int_equal(husk__stackmemo_unwind(&wholes, from, from_memory, most, &hash), count);
    assert_int_equal(husk__stackmemo_unwind(&wholes, from, from_memory, most, &again), count);
    assert_int_equal(hash, again);
    hash = hash * 2 + 1;
    uint64_t known = husk__stackmemo_find(&wholes, from);
    if (known)
        assert_int_equal(known, hash);
    for (unsigned i = 0; i < 2; i++)
        husk__stackmemo_keep(&wholes, from, most, hash);
    known = husk__stackmemo_find(&wholes, from);
    assert_true(known == hash || known == 0);
    wholes_known += known != 0;
}

__attribute__((noinline)) static uint64_t leaf(chain *c, uint64_t a, uint64_t b)
{
    struct want *want = c->leaf_data;
    uintptr_t back = (uintptr_t)__builtin_return_address(0);
    errno = 4321;
    struct husk__unwind_start here = husk__unwind_here();
    unsigned count = husk__unwind(&here, ours, want->most);
    assert_int_equal(errno, 4321);
    want->found = count;
    assert_true(count <= want->most);
    /* From memory it is the same; twice, since the first time may have been news. */
    for (unsigned i = 0; i < 2; i++) {
        uint64_t hash = 0;
        here = husk__unwind_here();
        assert_int_equal(husk__stackmemo_unwind(&memo, &here, from_memory, want->most, &hash), count);
        assert_memory_equal(from_memory, ours, count * sizeof *ours);
    }
    check_whole(&here, want->most, count);
    if (want->most == 0)
        return a;
    assert_true(count > 0);
    assert_int_equal(ours[0], back);
    if (want->notes)
        for (size_t i = 1; i <= c->noted && i < want->most; i++) {
            assert_true(i < count);
            assert_int_equal(ours[i], c->notes[c->noted - i]);
        }
    if (want->libgcc) {
        other.count = 0;
        other.most = want->most + 1;
        _Unwind_Backtrace(collect_other, &other);
        for (size_t i = 1; i < other.count; i++) { /* the first is this function */
            if (i > count && want->may_end)
                break;
            assert_true(i <= count);
            assert_int_equal(ours[i - 1], other.pcs[i]);
        }
        if (!want->may_end)
            assert_int_equal(count, other.count - 1);
    }
    assert_true(count >= want->least);
    return a + b;
}

static void run_chain(chain_fn *const *script, struct want *want)
{
    static chain c;
    c.script = script;
    c.at = 0;
    c.noted = 0;
    c.leaf_data = want;
    assert_true(c.script[c.at++](&c, 1, 2) | 1);
}

static void run_random(random64 *r, chain_fn *const *const *tables, unsigned table_count, unsigned length,
                       struct want *want)
{
    static chain_fn *script[CHAIN_MOST];
    for (unsigned i = 0; i < length; i++) {
        chain_fn *const *table = tables[random_below(r, table_count)];
        script[i] = table[random_below(r, table == chain_bare ? CHAIN_ALIGNED : CHAIN_KINDS)];
    }
    script[length] = leaf;
    run_chain(script, want);
}

static void test_tables(void **state)
{
    (void)state;
    if (!TABLES)
        skip();
    random64 r = random_from(1);
    chain_fn *const *const tables[] = { chain_tables, chain_pointers, chain_plain };
    for (unsigned round = 0; round < 300; round++) {
        struct want want = { .notes = true, .libgcc = true, .most = 4000 };
        run_random(&r, tables, 3, random_below(&r, 60), &want);
    }
    struct want want = { .notes = true, .libgcc = true, .most = CHAIN_MOST };
    run_random(&r, tables, 3, 700, &want);
    /* Each limit. */
    for (unsigned most = 0; most < 40; most++) {
        want = (struct want){ .notes = true, .libgcc = true, .most = most, .may_end = true };
        run_random(&r, tables, 3, 30, &want);
        assert_int_equal(want.found, most);
    }
}

static void test_frame_pointers(void **state)
{
    (void)state;
    random64 r = random_from(2);
    chain_fn *const *const bare[] = { chain_bare };
    for (unsigned round = 0; round < 100; round++) {
        struct want want = { .notes = true, .most = 4000 };
        run_random(&r, bare, 1, random_below(&r, 60), &want);
    }
}

static void test_mixed(void **state)
{
    (void)state;
    if (!TABLES)
        skip();
    random64 r = random_from(3);
    chain_fn *const *const tables[] = { chain_tables, chain_bare, chain_pointers, chain_plain, chain_bare };
    for (unsigned round = 0; round < 300; round++) {
        struct want want = { .notes = true, .most = 4000 };
        run_random(&r, tables, 5, random_below(&r, 60), &want);
    }
}

/* Two branches, the second one with the older frames as they were. */
static uint64_t twice(chain *c, uint64_t a, uint64_t b)
{
    CHAIN_NOTE(c);
    size_t noted = c->noted;
    uint64_t first = c->script[c->at++](c, a, b);
    c->noted = noted;
    return first + c->script[c->at++](c, b, a);
}

static void test_memory(void **state)
{
    (void)state;
    if (!TABLES)
        skip();
    random64 r = random_from(7);
    wholes_known = 0;
    chain_fn *const *const tables[] = { chain_tables, chain_pointers, chain_plain };
    static chain_fn *script[CHAIN_MOST];
    for (unsigned round = 0; round < 3000; round++) {
        /* A binary tree in the order of its visits: `open` branches have still to come. */
        unsigned length = 0, open = 1;
        while (open) {
            unsigned choice = random_below(&r, 10);
            if (length > 300 || choice < 2) {
                script[length++] = leaf;
                open--;
            } else if (choice < 4 && length < 200) {
                script[length++] = twice;
                open++;
            } else {
                script[length++] = tables[random_below(&r, 3)][random_below(&r, CHAIN_KINDS)];
            }
        }
        struct want want = { .notes = true, .most = random_below(&r, 4) ? 1000 : random_below(&r, 100) };
        run_chain(script, &want);
    }
    assert_true(wholes_known > 1000);
}

/* Deep, on a thread with room for it. */
static void *deep(void *data)
{
    random64 r = random_from(4);
    chain_fn *const *const tables[] = { chain_tables, chain_pointers };
    struct want want = { .notes = true, .libgcc = true, .most = CHAIN_MOST };
    run_random(&r, tables, 2, 40000, &want);
    assert_true(want.found >= 40000);
    return data;
}

static void test_thread(void **state)
{
    (void)state;
    if (!TABLES)
        skip();
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)512 << 20);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, &attributes, deep, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attributes);
}

/* ---- through the C library, and handlers ---- */

static chain *handed; /* to where no argument leads */

static uint64_t go_on(chain *c)
{
    return c->script[c->at++](c, 3, 4);
}

static int compare(const void *a, const void *b)
{
    if (handed) {
        chain *c = handed;
        handed = NULL;
        (void)go_on(c);
    }
    return *(const int *)a - *(const int *)b;
}

static uint64_t sorts(chain *c, uint64_t a, uint64_t b)
{
    int numbers[100];
    for (int i = 0; i < 100; i++)
        numbers[i] = i * 7919 % 101;
    handed = c;
    qsort(numbers, 100, sizeof *numbers, compare);
    return a + b + (uint64_t)numbers[0];
}

static void on_signal(int number)
{
    (void)number;
    chain *c = handed;
    handed = NULL;
    (void)go_on(c);
}

static uint64_t raises(chain *c, uint64_t a, uint64_t b)
{
    handed = c;
    assert_int_equal(raise(SIGUSR1), 0);
    return a + b;
}

static void set_handler(void (*handler)(int), int flags)
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
}

static void test_library(void **state)
{
    (void)state;
    if (!TABLES)
        skip();
    chain_fn *const script[] = { chain_tables[0], chain_pointers[7], sorts,
                                 chain_tables[5], chain_plain[2],    leaf };
    struct want want = { .libgcc = true, .most = 1000, .least = 9 };
    run_chain(script, &want);
    set_handler(on_signal, 0);
    chain_fn *const signals[] = { chain_tables[8], raises, chain_tables[1], sorts, chain_pointers[6], leaf };
    run_chain(signals, &want);
    set_handler(SIG_DFL, 0);
}

static void test_other_stack(void **state)
{
    (void)state;
    if (!TABLES)
        skip();
    stack_t stack = { .ss_size = 1 << 16, .ss_sp = malloc(1 << 16) }, before;
    assert_int_equal(sigaltstack(&stack, &before), 0);
    set_handler(on_signal, SA_ONSTACK);
    chain_fn *const script[] = { chain_tables[0], raises, chain_tables[1], chain_tables[2], leaf };
    struct want want = { .libgcc = true, .may_end = true, .most = 1000, .least = 3 };
    run_chain(script, &want);
    assert_int_equal(sigaltstack(&before, NULL), 0);
    free(stack.ss_sp);
}

static ucontext_t back, coroutine;
static unsigned coroutine_found;

static void in_coroutine(void)
{
    chain_fn *const script[] = { chain_tables[0], chain_tables[8], chain_bare[2], leaf };
    struct want want = { .notes = true, .most = 1000, .least = 5 };
    run_chain(script, &want);
    coroutine_found = want.found;
    swapcontext(&coroutine, &back);
}

static void test_coroutine(void **state)
{
    (void)state;
    if (!TABLES)
        skip();
    size_t size = 1 << 16;
    char *stack = mmap(NULL, size + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(stack, MAP_FAILED);
    assert_int_equal(mprotect(stack + 4096, size, PROT_READ | PROT_WRITE), 0);
    assert_int_equal(getcontext(&coroutine), 0);
    coroutine.uc_stack.ss_sp = stack + 4096;
    coroutine.uc_stack.ss_size = size;
    coroutine.uc_link = NULL;
    makecontext(&coroutine, in_coroutine, 0);
    for (int round = 0; round < 3; round++)
        assert_int_equal(swapcontext(&back, &coroutine), round ? 0 : 0),
            makecontext(&coroutine, in_coroutine, 0);
    assert_true(coroutine_found < 12); /* it ends where the coroutine began */
    munmap(stack, size + 8192);
}

/* ---- bounds ---- */

static void test_ranges(void **state)
{
    (void)state;
    /* Not a variable's address: sanitizers may keep those elsewhere, in mappings that the kernel joins. */
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    struct husk__stack_range range = husk__stack_range_find(here);
    assert_true(range.low <= here && here < range.high);
    pthread_attr_t attributes;
    void *at;
    size_t size;
    assert_int_equal(pthread_getattr_np(pthread_self(), &attributes), 0);
    assert_int_equal(pthread_attr_getstack(&attributes, &at, &size), 0);
    pthread_attr_destroy(&attributes);
    assert_true(range.high >= (uintptr_t)at + size && range.high <= (uintptr_t)at + size + 65536);

    char *map = mmap(NULL, 5 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    assert_int_equal(mprotect(map + 4096, 3 * 4096, PROT_READ), 0);
    range = husk__stack_range_find((uintptr_t)map + 2 * 4096 + 5);
    assert_int_equal(range.low, (uintptr_t)map + 4096);
    assert_int_equal(range.high, (uintptr_t)map + 4 * 4096);
    munmap(map, 5 * 4096);
    range = husk__stack_range_find((uintptr_t)map + 5); /* nothing there */
    assert_int_equal(range.high - range.low, 4096);
}

static void test_module(void **state)
{
    (void)state;
    struct husk__code_range range;
    Dl_info info;
    assert_true(husk__code_module((const void *)(uintptr_t)chain_tables[0], &range));
    assert_int_not_equal(dladdr((void *)(uintptr_t)chain_tables[0], &info), 0);
    assert_int_equal(range.start, (uintptr_t)info.dli_fbase);
    assert_true((uintptr_t)chain_tables[0] < range.end);
    assert_false(husk__code_module(&info, &range));
    assert_false(husk__code_module(NULL, &range));
    assert_false(husk__code_module((const void *)1, &range));
}

/* Registers that make no sense: nothing outside of the stack is read. */
static void test_absurd_start(void **state)
{
    (void)state;
    random64 r = random_from(5);
    char *map = mmap(NULL, 18 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    assert_int_equal(mprotect(map + 4096, 16 * 4096, PROT_READ | PROT_WRITE), 0);
    uint64_t *words = (uint64_t *)(void *)(map + 4096);
    const size_t count = 16 * 512;
    uintptr_t code[] = { (uintptr_t)chain_tables[0], (uintptr_t)chain_bare[0], (uintptr_t)qsort,
                         (uintptr_t)raise,           (uintptr_t)printf,        (uintptr_t)leaf };
    for (size_t i = 0; i < count; i++)
        switch (random_below(&r, 4)) {
        case 0:
            words[i] = random_next(&r);
            break;
        case 1:
            words[i] = (uintptr_t)&words[random_below(&r, count)];
            break;
        case 2:
            words[i] = code[random_below(&r, 6)] + random_below(&r, 3000);
            break;
        default:
            words[i] = i & 1 ? 0 : UINT64_MAX;
            break;
        }
    unsigned longest = 0;
    for (unsigned round = 0; round < 100000; round++) {
        struct husk__unwind_start from;
        from.pc = code[random_below(&r, 6)] + random_below(&r, 2000);
        from.sp = (uintptr_t)&words[random_below(&r, count)] + (random_below(&r, 20) == 0);
        switch (random_below(&r, 4)) {
        case 0:
            from.fp = random_next(&r);
            break;
        case 1:
            from.fp = from.sp + 8 * random_below(&r, 2 * 512);
            break;
        case 2:
            from.fp = (uintptr_t)map + random_below(&r, 18 * 4096);
            break;
        default:
            from.fp = UINTPTR_MAX - random_below(&r, 64);
            break;
        }
        unsigned found = husk__unwind(&from, ours, 500);
        longest = found > longest ? found : longest;
    }
    assert_true(longest > 1); /* so it was a test */
    munmap(map, 18 * 4096);
}

/* A copy of a loaded module whose headers and tables are damaged: every answer is fine, every read inside. */
#if TABLES
static size_t copy_module(const struct husk__module *module, char *to)
{
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    size_t copied = 0;
    while (fgets(line, sizeof line, maps)) {
        unsigned long low, high;
        char permissions[5];
        if (sscanf(line, "%lx-%lx %4s", &low, &high, permissions) == 3 && low >= module->start &&
            high <= module->end && permissions[0] == 'r') {
            /* Not by memcpy: sanitizers mark what is between the variables there. */
            struct iovec from = { (void *)low, high - low },
                         into = { to + (low - module->start), high - low };
            assert_int_equal(process_vm_readv(getpid(), &into, 1, &from, 1, 0), high - low);
            copied += high - low;
        }
    }
    fclose(maps);
    return copied;
}

static void test_damaged_tables(void **state)
{
    (void)state;
    random64 r = random_from(6);
    struct husk__code_range range;
    assert_true(husk__code_module((const void *)(uintptr_t)chain_tables[0], &range));
    uintptr_t start = range.start & ~(uintptr_t)4095, end = range.end;
    struct husk__module real, copy;
    assert_true(husk__cfi_module(start, end, &real));
    size_t size = end - start;
    char *map = mmap(NULL, size + 2 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    assert_int_equal(mprotect(map + 4096, size, PROT_READ | PROT_WRITE), 0);
    char *whole = malloc(size);
    memset(whole, 0, size);
    assert_true(copy_module(&real, whole) > 0);
    uintptr_t at = (uintptr_t)map + 4096;
    /* Undamaged it says the same. */
    memcpy(map + 4096, whole, size);
    assert_true(husk__cfi_module(at, at + size, &copy));
    unsigned said = 0;
    for (uintptr_t pc = 1; pc < size; pc++) {
        assert_int_equal(husk__cfi_row(&copy, at + pc), husk__cfi_row(&real, start + pc));
        said += husk__cfi_row(&copy, at + pc) != ROW_NONE;
    }
    assert_true(said > 500);
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)(const void *)whole;
    const ElfW(Phdr) *segment = (const ElfW(Phdr) *)(const void *)(whole + header->e_phoff);
    size_t tables = 0;
    for (unsigned i = 0; i < header->e_phnum; i++)
        if (segment[i].p_type == PT_GNU_EH_FRAME)
            tables = segment[i].p_vaddr;
    assert_int_not_equal(tables, 0);
    size_t tables_size = size - tables < 4096 ? size - tables : 4096;
    for (unsigned round = 0; round < 3000; round++) {
        memcpy(map + 4096, whole, size);
        for (unsigned flips = 1 + random_below(&r, 8); flips; flips--) {
            size_t place = random_below(&r, 4) == 0 ? 16 + random_below(&r, 1000)
                                                    : tables + random_below(&r, (uint32_t)tables_size);
            map[4096 + place] = (char)random_next(&r);
        }
        if (!husk__cfi_module(at, at + size, &copy))
            continue;
        for (unsigned i = 0; i < 100; i++)
            (void)husk__cfi_row(&copy, at + random_below(&r, (uint32_t)size));
    }
    free(whole);
    munmap(map, size + 2 * 4096);
}
#else
static void test_damaged_tables(void **state)
{
    (void)state;
    skip();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),       cmocka_unit_test(test_module),
        cmocka_unit_test(test_tables),       cmocka_unit_test(test_frame_pointers),
        cmocka_unit_test(test_mixed),        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_thread),       cmocka_unit_test(test_library),
        cmocka_unit_test(test_other_stack),  cmocka_unit_test(test_coroutine),
        cmocka_unit_test(test_absurd_start), cmocka_unit_test(test_damaged_tables),
    };
    return RUN_ROUNDS("trace_unwind", tests);
}
