/* tests/unit/view_symbol.c: names of addresses, against what nm and readelf say; damaged files. */
#define _GNU_SOURCE
#include "fixture.h"
#include "random.h"

#include "view/elf.h"
#include "view/symbol.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <husk/debug.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

__attribute__((noinline)) static int some_function(int a)
{
    __asm__ volatile("" : "+r"(a));
    return a + 1;
}

static void test_names(void **state)
{
    (void)state;
    (void)some_function(1);
    int local;
    uint64_t addresses[] = {
        (uintptr_t)some_function,   (uintptr_t)qsort + 3, (uintptr_t)&local, 0, 1, UINT64_MAX,
        (uintptr_t)husk_version + 2
    };
    enum { COUNT = sizeof addresses / sizeof *addresses };
    struct husk__symbol list[COUNT] = { 0 };
    for (uint32_t i = 0; i < COUNT; i++)
        list[i] = (struct husk__symbol){ .address = addresses[i], .tag = i };
    struct husk__symbols *symbols = husk__symbols_open();
    assert_non_null(symbols);
    husk__symbols_name(symbols, list, COUNT);
    unsigned seen = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        const struct husk__symbol *one = &list[i];
        assert_true(i == 0 || list[i - 1].address <= one->address);
        assert_int_equal(one->address, addresses[one->tag]);
        seen |= 1u << one->tag;
        const char *path = one->module == SYMBOL_NONE ? "" : husk__symbols_module(symbols, one->module)->path;
        switch (one->tag) {
        case 0:
            assert_string_equal(one->name, "some_function");
            assert_int_equal(one->start, (uintptr_t)some_function);
            assert_non_null(strstr(path, "unit_view_symbol"));
            break;
        case 1:
            assert_non_null(strstr(one->name, "qsort")); /* a sanitizer has one of its own */
            assert_true(strstr(path, "libc.so") || strstr(path, "san.so"));
            break;
        case 6:
            assert_string_equal(one->name, "husk_version");
            break;
        default:
            assert_string_equal(one->name, "");
            assert_int_equal(one->module, SYMBOL_NONE);
            break;
        }
    }
    assert_int_equal(seen, (1u << COUNT) - 1);
    husk__symbols_name(symbols, list, 0);
    husk__symbols_close(symbols);
}

static void *program; /* the file of this program, mapped */
static size_t program_size;

static void map_program(void)
{
    int file = open("/proc/self/exe", O_RDONLY);
    struct stat status;
    assert_true(file >= 0 && fstat(file, &status) == 0);
    program_size = (size_t)status.st_size;
    program = mmap(NULL, program_size, PROT_READ, MAP_PRIVATE, file, 0);
    assert_ptr_not_equal(program, MAP_FAILED);
    close(file);
}

/* Every function of this program by nm, at its first, last and a middle byte. */
static void test_against_nm(void **state)
{
    (void)state;
    char command[128], line[512];
    (void)snprintf(command, sizeof command, "nm -S --defined-only /proc/%d/exe", getpid());
    FILE *nm = popen(command, "r");
    assert_non_null(nm);
    enum { MOST = 30000 };
    static struct {
        uint64_t start, size;
        char name[200];
    } functions[MOST];
    static struct husk__symbol list[3 * MOST];
    size_t count = 0;
    while (fgets(line, sizeof line, nm) && count < MOST) {
        unsigned long start, size;
        char kind;
        if (sscanf(line, "%lx %lx %c %199s", &start, &size, &kind, functions[count].name) == 4 &&
            strchr("tTwWi", kind) && size) {
            functions[count].start = start;
            functions[count++].size = size;
        }
    }
    assert_int_equal(pclose(nm), 0);
    assert_true(count > 100);
    struct husk__symbols *symbols = husk__symbols_open();
    assert_non_null(symbols);
    uint64_t base = UINT64_MAX;
    for (size_t m = 0; m < husk__symbols_modules(symbols); m++) {
        const struct husk__symbol_module *module = husk__symbols_module(symbols, m);
        if ((uintptr_t)some_function >= module->start && (uintptr_t)some_function < module->end)
            base = module->base;
    }
    assert_int_not_equal(base, UINT64_MAX);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < 3; k++)
            list[3 * i + k] = (struct husk__symbol){
                .address = base + functions[i].start +
                           (k == 0   ? 0
                            : k == 1 ? functions[i].size / 2
                                     : functions[i].size - 1),
                .tag = i,
            };
    husk__symbols_name(symbols, list, 3 * count);
    for (size_t i = 0; i < 3 * count; i++) {
        /* Several names may mean the same code: then the one found has to be of the same place. */
        uint64_t start = base + functions[list[i].tag].start;
        if (strcmp(list[i].name, functions[list[i].tag].name) == 0 && list[i].start == start)
            continue;
        bool other = false;
        for (size_t j = 0; j < count && !other; j++)
            other = strcmp(functions[j].name, list[i].name) == 0 &&
                    base + functions[j].start == list[i].start && list[i].start >= start &&
                    list[i].address - list[i].start < functions[j].size;
        assert_true(other);
    }
    husk__symbols_close(symbols);
}

static void test_build_id(void **state)
{
    (void)state;
    char command[128], line[512], wanted[200] = "";
    (void)snprintf(command, sizeof command, "readelf -n /proc/%d/exe", getpid());
    FILE *readelf = popen(command, "r");
    assert_non_null(readelf);
    while (fgets(line, sizeof line, readelf)) {
        const char *at = strstr(line, "Build ID: ");
        if (at)
            assert_int_equal(sscanf(at, "Build ID: %199s", wanted), 1);
    }
    (void)pclose(readelf);
    struct husk__symbols *symbols = husk__symbols_open();
    struct husk__symbol one = { .address = (uintptr_t)some_function };
    husk__symbols_name(symbols, &one, 1);
    const struct husk__symbol_module *module = husk__symbols_module(symbols, one.module);
    assert_string_equal(module->build_id, wanted);
    /* The offset is where the code is in the file. */
    assert_memory_equal((const char *)program + (one.start - module->start + module->offset),
                        (const void *)(uintptr_t)one.start, 8);
    husk__symbols_close(symbols);
}

static void count_symbol(const struct husk__elf_symbol *symbol, void *data)
{
    assert_true(symbol->end > symbol->start && strlen(symbol->name) > 0);
    ++*(size_t *)data;
}

/* At every length, and with bytes changed where it matters: nothing outside of the file is read. The copy ends at a
 * page that cannot be. */
static void test_damaged(void **state)
{
    (void)state;
    random64 r = random_from(1);
    size_t pages = (program_size + 4095) / 4096 * 4096;
    char *map = mmap(NULL, pages + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    assert_int_equal(mprotect(map, pages, PROT_READ | PROT_WRITE), 0);
    unsigned char id[ELF_BUILD_ID_MOST];
    size_t whole = 0;
    struct husk__elf elf = { program, program_size };
    assert_int_equal(husk__elf_table_of(&elf), ELF_SYMTAB);
    husk__elf_symbols(&elf, ELF_SYMTAB, count_symbol, &whole);
    assert_true(whole > 100);
    for (unsigned round = 0; round < 400; round++) {
        size_t size =
            random_below(&r, 3) == 0 ? random_below(&r, 200) : random_below(&r, (uint32_t)program_size);
        elf = (struct husk__elf){ (unsigned char *)map + pages - size, size };
        memcpy(map + pages - size, program, size);
        size_t count = 0;
        husk__elf_symbols(&elf, husk__elf_table_of(&elf), count_symbol, &count);
        assert_true(count <= whole);
        (void)husk__elf_file_build_id(&elf, id);
    }
    char *copy = map + pages - program_size;
    elf = (struct husk__elf){ (unsigned char *)copy, program_size };
    for (unsigned round = 0; round < 400; round++) {
        memcpy(copy, program, program_size);
        for (unsigned flips = 1 + random_below(&r, 6); flips; flips--) {
            /* The header, the list of sections at the end, the notes at the beginning. */
            size_t place = random_below(&r, 2)   ? 4 + random_below(&r, 60)
                           : random_below(&r, 2) ? program_size - 1 - random_below(&r, 2600)
                                                 : random_below(&r, 4096);
            copy[place] = (char)random_next(&r);
        }
        size_t count = 0;
        husk__elf_symbols(&elf, husk__elf_table_of(&elf), count_symbol, &count);
        (void)husk__elf_file_build_id(&elf, id);
    }
    munmap(map, pages + 4096);
}

/* No memory: no names, nothing left behind. */
static void test_no_memory(void **state)
{
    (void)state;
    size_t held = husk_memory_held();
    unsigned refused = 0;
    for (uint64_t n = 1;; n++) {
        husk_memory_fail(n, false);
        struct husk__symbols *symbols = husk__symbols_open();
        husk_memory_fail(0, false);
        bool done = symbols != NULL;
        husk__symbols_close(symbols);
        assert_int_equal(husk_memory_held(), held);
        if (done)
            break;
        refused++;
    }
    assert_true(refused >= 2);
}

int main(void)
{
    map_program();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),   cmocka_unit_test(test_against_nm), cmocka_unit_test(test_build_id),
        cmocka_unit_test(test_damaged), cmocka_unit_test(test_no_memory),
    };
    return RUN_ROUNDS("view_symbol", tests);
}
