/* tests/unit/view_linetable.c: lines of addresses, against addr2line, for tables of each version; damaged tables. */
#define _GNU_SOURCE
#include "fixture.h"
#include "place.h"
#include "random.h"

#include "view/symbol.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FUNCTION_BYTES = 4096, PATH_ROOM = 4096 };

static int (*const places[])(int) = { place_3, place_4, place_5 };
enum { PLACES = sizeof places / sizeof *places };

static void join(const struct husk__line_file *file, char out[PATH_ROOM])
{
    const char *const parts[] = { file->base, file->directory, file->name };
    *out = 0;
    for (int i = 0; i < 3; i++) {
        if (*parts[i] == '/')
            *out = 0;
        assert_true(strlen(out) + strlen(parts[i]) + 2 < PATH_ROOM);
        if (*out && *parts[i])
            strcat(out, "/");
        strcat(out, parts[i]);
    }
}

/* Each byte of a function: the file, if it is known as a whole, and the line that addr2line says. */
static size_t compare(struct husk__symbols *symbols, int (*place)(int))
{
    Dl_info info;
    void *symbol;
    assert_int_not_equal(dladdr1((const void *)(uintptr_t)place, &info, &symbol, RTLD_DL_SYMENT), 0);
    uint64_t start = (uintptr_t)place, size = ((const ElfW(Sym) *)symbol)->st_size,
             base = (uintptr_t)info.dli_fbase;
    assert_in_range(size, 16, FUNCTION_BYTES);
    static struct husk__symbol list[FUNCTION_BYTES];
    for (uint32_t i = 0; i < size; i++)
        list[i] = (struct husk__symbol){ .address = start + i, .tag = i };
    husk__symbols_name(symbols, list, size);

    char command[PATH_ROOM + 64], line[PATH_ROOM], wanted[PATH_ROOM], got[PATH_ROOM];
    (void)snprintf(command, sizeof command,
                   "for i in $(seq 0 %llu); do printf '%%x\\n' $((%llu + i)); done | addr2line -e '%s'",
                   (unsigned long long)size - 1, (unsigned long long)(start - base), info.dli_fname);
    FILE *other = popen(command, "r");
    assert_non_null(other);
    size_t own = 0, inlined = 0, generated = 0;
    for (uint32_t i = 0; i < size; i++) {
        unsigned number = 0;
        assert_non_null(fgets(line, sizeof line, other));
        char *colon = strrchr(line, ':');
        assert_non_null(colon);
        number = (unsigned)strtoul(colon + 1, NULL, 10);
        *colon = 0;
        (void)snprintf(wanted, sizeof wanted, "%s", line);
        const struct husk__symbol *one = &list[i];
        assert_int_equal(one->tag, i);
        assert_int_equal(one->line, number);
        join(&one->file, got);
        size_t had = strlen(wanted), have = strlen(got);
        assert_true(have && had >= have && strcmp(wanted + had - have, got) == 0);
        assert_true(had == have ||
                    wanted[had - have - 1] == '/'); /* before version 5 the table may not say the rest */
        own += strstr(got, "/place.c") != NULL;
        inlined += strstr(got, "place.h") != NULL;
        generated += strstr(got, "generated/by hand.y") != NULL && number >= 1000;
    }
    assert_int_equal(pclose(other), 0);
    assert_true(own && inlined && generated && own + inlined + generated == size);
    return size;
}

static void test_against_addr2line(void **state)
{
    (void)state;
    struct husk__symbols *symbols = husk__symbols_open();
    assert_non_null(symbols);
    for (size_t p = 0; p < PLACES; p++) {
        (void)places[p](7);
        (void)compare(symbols, places[p]);
    }
    husk__symbols_close(symbols);
}

struct count {
    const struct husk__elf *elf;
    size_t runs, named;
    uint64_t version;
};

static bool is_inside(const struct husk__elf *elf, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    return !*text ||
           (at >= elf->at && at < elf->at + elf->size && memchr(at, 0, (size_t)(elf->at + elf->size - at)));
}

static void look(const struct husk__line_run *run, void *data)
{
    struct count *count = data;
    struct husk__line_file file;
    assert_true(run->end > run->start && run->line);
    count->runs++;
    count->version |= 1u << run->unit->version;
    if (!husk__line_file(run, &file))
        return;
    assert_true(is_inside(count->elf, file.base) && is_inside(count->elf, file.directory) &&
                is_inside(count->elf, file.name));
    count->named++;
}

/* Bytes of the tables and of the texts changed, and the file cut: nothing outside is read (the copy ends at a page that
 * cannot be), and what is said lies inside. */
static void damage(int (*place)(int), unsigned version)
{
    Dl_info info;
    assert_int_not_equal(dladdr((const void *)(uintptr_t)place, &info), 0);
    int file = open(info.dli_fname, O_RDONLY);
    struct stat status;
    assert_true(file >= 0 && fstat(file, &status) == 0);
    size_t size = (size_t)status.st_size, pages = (size + 4095) / 4096 * 4096;
    unsigned char *original = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
    unsigned char *map = mmap(NULL, pages + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(original != MAP_FAILED && map != MAP_FAILED);
    assert_int_equal(mprotect(map, pages, PROT_READ | PROT_WRITE), 0);
    close(file);
    struct husk__elf elf = { original, size };
    struct count whole = { .elf = &elf }, count;
    husk__line_runs(&elf, look, &whole);
    assert_true(whole.runs > 10 && whole.runs == whole.named && whole.version & 1u << version);
    struct husk__elf_span parts[3];
    assert_true(husk__elf_section(&elf, ".debug_line", &parts[0]));
    (void)husk__elf_section(&elf, ".debug_line_str", &parts[1]);
    (void)husk__elf_section(&elf, ".debug_str", &parts[2]);
    random64 r = random_from(version);
    unsigned char *copy = map + pages - size;
    elf = (struct husk__elf){ copy, size };
    for (unsigned round = 0; round < 3000; round++) {
        memcpy(copy, original, size);
        for (unsigned flips = 1 + random_below(&r, 6); flips; flips--) {
            const struct husk__elf_span *part = &parts[random_below(&r, 4) % 3];
            if (part->size)
                copy[part->at - original + random_below(&r, (uint32_t)part->size)] =
                    (unsigned char)random_next(&r);
        }
        count = (struct count){ .elf = &elf };
        husk__line_runs(&elf, look, &count);
    }
    for (unsigned round = 0; round < 300; round++) {
        size_t cut = random_below(&r, (uint32_t)size);
        memcpy(map + pages - cut, original, cut);
        elf = (struct husk__elf){ map + pages - cut, cut };
        count = (struct count){ .elf = &elf };
        husk__line_runs(&elf, look, &count);
        assert_true(count.runs <= whole.runs);
    }
    munmap(map, pages + 4096);
    munmap(original, size);
}

static void test_damaged(void **state)
{
    (void)state;
    damage(place_3, 3);
    damage(place_4, 4);
    damage(place_5, 5);
}

/* ---- tables that no assembler at hand writes ---- */

static unsigned char image[2048];
static size_t image_size;

static void put(const void *bytes, size_t size)
{
    assert_true(image_size + size <= sizeof image);
    memcpy(image + image_size, bytes, size);
    image_size += size;
}

#define PUT(type, ...) put((const type[]){ __VA_ARGS__ }, sizeof((const type[]){ __VA_ARGS__ }))
#define PUT_BYTES(...) PUT(unsigned char, __VA_ARGS__)
#define PUT_TEXT(text) put(text, sizeof text)

/* An ELF file of three sections: none, names, and .debug_line, which lies in the image from `line` on. */
static struct husk__elf finish(size_t line)
{
    static const char names[] = "\0.shstrtab\0.debug_line";
    size_t line_size = image_size - line, at_names = image_size;
    put(names, sizeof names);
    size_t at_sections = image_size;
    ElfW(Shdr) sections[3] = { { 0 } };
    sections[1].sh_type = SHT_STRTAB;
    sections[1].sh_name = 1;
    sections[1].sh_offset = at_names;
    sections[1].sh_size = sizeof names;
    sections[2].sh_type = SHT_PROGBITS;
    sections[2].sh_name = 11;
    sections[2].sh_offset = line;
    sections[2].sh_size = line_size;
    put(sections, sizeof sections);
    ElfW(Ehdr) header;
    Dl_info own; /* of this machine */
    assert_int_not_equal(dladdr((const void *)(uintptr_t)place_5, &own), 0);
    memcpy(&header, own.dli_fbase, sizeof header);
    header.e_shoff = at_sections;
    header.e_shentsize = sizeof *sections;
    header.e_shnum = 3;
    header.e_shstrndx = 1;
    memcpy(image, &header, sizeof header);
    return (struct husk__elf){ image, image_size };
}

/* Begins an image with a table's lengths, wide or not; what it gives is for end_table. */
struct lengths {
    size_t line, all, header;
    bool wide;
};

static struct lengths begin_table(uint16_t version, bool wide)
{
    struct lengths l = { .wide = wide };
    image_size = sizeof(ElfW(Ehdr));
    l.line = image_size;
    if (wide)
        PUT(uint32_t, UINT32_MAX);
    l.all = image_size;
    put((uint64_t[]){ 0 }, wide ? 8 : 4);
    PUT(uint16_t, version);
    if (version == 5)
        PUT_BYTES(sizeof(void *), 0);
    l.header = image_size;
    put((uint64_t[]){ 0 }, wide ? 8 : 4);
    return l;
}

static void set_length(size_t at, bool wide)
{
    uint64_t size = image_size - at - (wide ? 8 : 4);
    memcpy(image + at, &size, wide ? 8 : 4); /* little-endian, or wide */
}

struct wanted {
    uint64_t start, end;
    uint32_t line;
    const char *base, *directory, *name;
};
struct expected {
    const struct wanted *next, *end;
};

static void expect(const struct husk__line_run *run, void *data)
{
    struct expected *expected = data;
    struct husk__line_file file;
    assert_true(expected->next < expected->end);
    const struct wanted *wanted = expected->next++;
    assert_int_equal(run->start, wanted->start);
    assert_int_equal(run->end, wanted->end);
    assert_int_equal(run->line, wanted->line);
    assert_int_equal(husk__line_file(run, &file), wanted->name != NULL);
    if (!wanted->name)
        return;
    assert_string_equal(file.base, wanted->base);
    assert_string_equal(file.directory, wanted->directory);
    assert_string_equal(file.name, wanted->name);
}

/* 64-bit offsets; columns of each form, in an order of their own; instructions of 4 bytes, two operations in each. */
static void test_wide(void **state)
{
    (void)state;
    struct lengths l = begin_table(5, true);
    PUT_BYTES(4, 2, 1, (unsigned char)-3, 12, 14); /* least, operations, statement, base, range, specials */
    PUT_BYTES(0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 2); /* operands; the last operation is nobody's */
    PUT_BYTES(1, 1, 0x08), PUT_BYTES(2);              /* directories: path */
    PUT_TEXT("/built"), PUT_TEXT("src");
    PUT_BYTES(5, 5, 0x1e, 2, 0x0f, 0x81, 0x40, 0x09, 1, 0x08, 3,
              0x07); /* sum, directory, something, path, time */
    PUT_BYTES(2);
    for (unsigned char f = 0; f < 2; f++) {
        put((const char[16]){ 0 }, 16);
        PUT_BYTES(f), PUT_BYTES(3, 1, 2, 3);
        put(f ? "b.c" : "a.c", 4);
        PUT(uint64_t, 5);
    }
    set_length(l.header, true);
    PUT_BYTES(0, 9, 2), PUT(uint64_t, 0x1000);
    PUT_BYTES(3, 9, 1);                              /* line 10, row at 0x1000 */
    PUT_BYTES(14 + 2 * 12 + 4);                      /* two operations on: 0x1004, line 11 */
    PUT_BYTES(13, 0x80, 0x80, 1, 5);                 /* nobody's, with its two operands */
    PUT_BYTES(0, 3, 0x80, 1, 2);                     /* an extended one that is nobody's */
    PUT_BYTES(14 + 1 * 12 + 3);                      /* one operation: still 0x1004 */
    PUT_BYTES(4, 0);                                 /* file 0 */
    PUT_BYTES(3, 0x7f);                              /* a line back */
    PUT_BYTES(14 + 3 * 12 + 3);                      /* three: 0x100c */
    PUT_BYTES(9), PUT(uint16_t, 0x20), PUT_BYTES(1); /* 0x102c */
    PUT_BYTES(4, 7);                                 /* a file that is not there */
    PUT_BYTES(8);                                    /* as the last special one: 20 operations, 0x1054 */
    PUT_BYTES(2, 2, 1);                              /* 0x1058 */
    PUT_BYTES(2, 4, 0, 1, 1);                        /* ends at 0x1060 */
    set_length(l.all, true);
    static const struct wanted runs[] = {
        { 0x1000, 0x1004, 10, "/built", "src", "b.c" }, { 0x1004, 0x100c, 11, "/built", "src", "b.c" },
        { 0x100c, 0x102c, 10, "/built", "", "a.c" },    { 0x102c, 0x1058, 10, "/built", "", "a.c" },
        { 0x1058, 0x1060, 10, NULL, NULL, NULL },
    };
    struct expected expected = { runs, runs + sizeof runs / sizeof *runs };
    struct husk__elf elf = finish(l.line);
    husk__line_runs(&elf, expect, &expected);
    assert_ptr_equal(expected.next, expected.end);
}

/* Version 2, two tables; an empty list of directories in one; a line 0; a sequence from 0 on, and one that goes back. */
static void test_old(void **state)
{
    (void)state;
    struct lengths l = begin_table(2, false);
    const size_t first = l.line;
    for (int table = 0; table < 2; table++) {
        if (table) {
            l.all = image_size;
            PUT(uint32_t, 0);
            PUT(uint16_t, 2);
            l.header = image_size;
            PUT(uint32_t, 0);
        }
        PUT_BYTES(1, 1, (unsigned char)-5, 14, 10);
        PUT_BYTES(0, 1, 1, 1, 1, 0, 0, 0, 1);
        if (table)
            PUT_TEXT("one"), PUT_TEXT("/two");
        PUT_BYTES(0);
        PUT_TEXT("x.c"), PUT_BYTES(0, 0, 0);
        PUT_TEXT("y.c"), PUT_BYTES(table ? 2 : 0, 0x80, 1, 9);
        PUT_BYTES(0);
        set_length(l.header, false);
        PUT_BYTES(3, 4, 1, 2, 16, 1, 0, 1, 1);                        /* from 0 */
        PUT_BYTES(0, 5, 2), PUT(uint32_t, 0x500), PUT_BYTES(4, 2, 1); /* line 1 of y.c */
        PUT_BYTES(3, 0x7f, 2, 8, 1);                                  /* line 0 from 0x508 */
        PUT_BYTES(3, 3, 2, 8, 1);                                     /* line 3 from 0x510 */
        PUT_BYTES(0, 5, 2), PUT(uint32_t, 0x400), PUT_BYTES(1);       /* goes back: no run */
        PUT_BYTES(2, 1, 0, 1, 1);                                     /* to 0x401 */
        set_length(l.all, false);
    }
    static const struct wanted runs[] = {
        { 0x500, 0x508, 1, "", "", "y.c" },
        { 0x400, 0x401, 3, "", "", "y.c" },
        { 0x500, 0x508, 1, "", "/two", "y.c" },
        { 0x400, 0x401, 3, "", "/two", "y.c" },
    };
    struct expected expected = { runs, runs + sizeof runs / sizeof *runs };
    struct husk__elf elf = finish(first);
    husk__line_runs(&elf, expect, &expected);
    assert_ptr_equal(expected.next, expected.end);
    /* Cut at every length. */
    for (size_t size = 0; size < elf.size; size++) {
        struct husk__elf cut = { image, size };
        struct count count = { .elf = &cut };
        husk__line_runs(&cut, look, &count);
        assert_int_equal(count.runs, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_addr2line),
        cmocka_unit_test(test_wide),
        cmocka_unit_test(test_old),
        cmocka_unit_test(test_damaged),
    };
    return RUN_ROUNDS("view_linetable", tests);
}
