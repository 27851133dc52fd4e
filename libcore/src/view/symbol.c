/* view/symbol.c: see symbol.h. The addresses are put in order, so that each symbol of a file, which come in none, finds
 * those inside it by a binary search: no index of symbols is made, whatever their number. */
#define _GNU_SOURCE
#include "view/symbol.h"

#include "base/memory.h"
#include "view/elf.h"

#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct module {
    struct husk__symbol_module shown;
    struct husk__elf file, debug; /* mapped while the names are in use; at NULL: not there */
    bool looked;
};

struct husk__symbols {
    struct module *modules; /* ordered by start */
    size_t count, room;
    bool failed;
    char program[PATH_MAX]; /* the main program's path: the loader does not keep it */
};

/* ---- modules ---- */

static void hexadecimal(const unsigned char *bytes, size_t count, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = 0;
}

static bool add_module(struct husk__symbols *symbols, const struct husk__symbol_module *shown)
{
    if (symbols->count == symbols->room) {
        size_t room = symbols->room ? symbols->room * 2 : 64;
        void *larger = husk__raw_resize(symbols->modules, symbols->room * sizeof *symbols->modules,
                                        room * sizeof *symbols->modules);
        if (!larger)
            return false;
        symbols->modules = larger;
        symbols->room = room;
    }
    size_t at = symbols->count++;
    for (; at > 0 && symbols->modules[at - 1].shown.start > shown->start; at--)
        symbols->modules[at] = symbols->modules[at - 1];
    symbols->modules[at] = (struct module){ .shown = *shown };
    return true;
}

/* Whether a part of a module's file is in its memory, to be read. */
static bool is_loaded(const struct dl_phdr_info *info, const ElfW(Phdr) * part)
{
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && segment->p_flags & PF_R && part->p_vaddr >= segment->p_vaddr &&
            part->p_vaddr - segment->p_vaddr <= segment->p_filesz &&
            part->p_filesz <= segment->p_filesz - (part->p_vaddr - segment->p_vaddr))
            return true;
    }
    return false;
}

static int see_module(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    struct husk__symbols *symbols = data;
    struct husk__symbol_module module = { .path = info->dlpi_name, .base = info->dlpi_addr };
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uint64_t start = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_LOAD && segment->p_flags & PF_X) {
            if (!module.end) {
                module.start = start;
                module.offset = segment->p_offset;
            }
            module.end = start + segment->p_memsz;
        } else if (segment->p_type == PT_NOTE && !*module.build_id && is_loaded(info, segment)) {
            unsigned char id[ELF_BUILD_ID_MOST];
            size_t length =
                husk__elf_build_id((const unsigned char *)(uintptr_t)start, segment->p_filesz, id);
            hexadecimal(id, length, module.build_id);
        }
    }
    if (!module.end)
        return 0;
    if (!module.path || !*module.path)
        module.path = symbols->program;
    symbols->failed = !add_module(symbols, &module);
    return symbols->failed;
}

struct husk__symbols *husk__symbols_open(void)
{
    struct husk__symbols *symbols = husk__raw_new(sizeof *symbols);
    if (!symbols)
        return NULL;
    ssize_t length = readlink("/proc/self/exe", symbols->program, sizeof symbols->program - 1);
    symbols->program[length > 0 ? length : 0] = 0;
    (void)dl_iterate_phdr(see_module, symbols);
    if (symbols->failed) {
        husk__symbols_close(symbols);
        return NULL;
    }
    return symbols;
}

static void unmap(struct husk__elf *file)
{
    if (file->at)
        (void)munmap((void *)(uintptr_t)file->at, file->size);
    *file = (struct husk__elf){ 0 };
}

void husk__symbols_close(struct husk__symbols *symbols)
{
    if (!symbols)
        return;
    for (size_t i = 0; i < symbols->count; i++) {
        unmap(&symbols->modules[i].file);
        unmap(&symbols->modules[i].debug);
    }
    husk__raw_free(symbols->modules, symbols->room * sizeof *symbols->modules);
    husk__raw_free(symbols, sizeof *symbols);
}

size_t husk__symbols_modules(const struct husk__symbols *symbols)
{
    return symbols->count;
}

const struct husk__symbol_module *husk__symbols_module(const struct husk__symbols *symbols, size_t number)
{
    return &symbols->modules[number].shown;
}

/* ---- their files ---- */

/* Maps a file if it is the one with this build id ("": any). */
static bool map(const char *path, const char *build_id, struct husk__elf *out)
{
    *out = (struct husk__elf){ 0 };
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    struct stat status;
    void *at = MAP_FAILED;
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
        at = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    (void)close(file);
    if (at == MAP_FAILED)
        return false;
    *out = (struct husk__elf){ at, (size_t)status.st_size };
    unsigned char id[ELF_BUILD_ID_MOST];
    char text[SYMBOL_ID_TEXT];
    hexadecimal(id, husk__elf_file_build_id(out, id), text);
    if (husk__elf_is(out) && (!*build_id || strcmp(text, build_id) == 0))
        return true;
    unmap(out);
    return false;
}

static void look_for_files(struct module *module)
{
    module->looked = true;
    const struct husk__symbol_module *shown = &module->shown;
    if (*shown->path)
        (void)map(shown->path, shown->build_id, &module->file);
    if (module->file.at && husk__elf_table_of(&module->file) == ELF_SYMTAB)
        return;
    char path[64 + SYMBOL_ID_TEXT];
    if (strlen(shown->build_id) < 4)
        return;
    (void)snprintf(path, sizeof path, "/usr/lib/debug/.build-id/%.2s/%s.debug", shown->build_id,
                   shown->build_id + 2);
    (void)map(path, shown->build_id, &module->debug);
}

/* ---- names ---- */

/* In place and without memory of its own: heapsort. */
static void sift(struct husk__symbol *list, size_t at, size_t count)
{
    for (size_t child; (child = at * 2 + 1) < count; at = child) {
        if (child + 1 < count && list[child + 1].address > list[child].address)
            child++;
        if (list[at].address >= list[child].address)
            return;
        struct husk__symbol kept = list[at];
        list[at] = list[child];
        list[child] = kept;
    }
}

static void sort(struct husk__symbol *list, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sift(list, i, count);
    for (size_t i = count; i-- > 1;) {
        struct husk__symbol kept = list[0];
        list[0] = list[i];
        list[i] = kept;
        sift(list, 0, i);
    }
}

/* The first one at or above the address. */
static size_t first_from(const struct husk__symbol *list, size_t count, uint64_t address)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list[middle].address < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct naming {
    struct husk__symbol *list; /* of one module */
    size_t count;
    uint64_t base;
};

/* The innermost function has the name; of those that begin together, the best name; of those, always the same. */
static bool is_better(const struct husk__symbol *have, uint64_t start, unsigned rank, const char *name)
{
    if (!*have->name || start != have->start)
        return !*have->name || start > have->start;
    return rank != have->rank ? rank > have->rank : strcmp(name, have->name) < 0;
}

static void name_them(const struct husk__elf_symbol *symbol, void *data)
{
    struct naming *naming = data;
    uint64_t start = symbol->start + naming->base, end = symbol->end + naming->base;
    for (size_t i = first_from(naming->list, naming->count, start);
         i < naming->count && naming->list[i].address < end; i++) {
        struct husk__symbol *one = &naming->list[i];
        if (!is_better(one, start, symbol->rank, symbol->name))
            continue;
        one->name = symbol->name;
        one->start = start;
        one->rank = symbol->rank;
    }
}

static void line_them(const struct husk__line_run *run, void *data)
{
    struct naming *naming = data;
    uint64_t start = run->start + naming->base, end = run->end + naming->base;
    for (size_t i = first_from(naming->list, naming->count, start);
         i < naming->count && naming->list[i].address < end; i++) {
        struct husk__symbol *one = &naming->list[i];
        if (!one->line && husk__line_file(run, &one->file))
            one->line = run->line;
    }
}

static void name_module(struct module *module, struct husk__symbol *list, size_t count)
{
    if (!module->looked)
        look_for_files(module);
    struct naming naming = { list, count, module->shown.base };
    const struct husk__elf *from = module->debug.at ? &module->debug : &module->file;
    enum husk__elf_table table = from->at ? husk__elf_table_of(from) : ELF_NO_TABLE;
    husk__elf_symbols(from, table, name_them, &naming);
    if (module->debug.at && module->file.at && table != ELF_SYMTAB)
        husk__elf_symbols(&module->file, husk__elf_table_of(&module->file), name_them, &naming);
    husk__line_runs(&module->file, line_them, &naming);
    husk__line_runs(&module->debug, line_them, &naming);
}

void husk__symbols_name(struct husk__symbols *symbols, struct husk__symbol *list, size_t count)
{
    sort(list, count);
    for (size_t i = 0; i < count; i++)
        list[i] = (struct husk__symbol){
            .address = list[i].address, .name = "", .module = SYMBOL_NONE, .tag = list[i].tag
        };
    size_t first = 0;
    for (size_t m = 0; m < symbols->count; m++) {
        struct module *module = &symbols->modules[m];
        first += first_from(list + first, count - first, module->shown.start);
        size_t end = first + first_from(list + first, count - first, module->shown.end);
        for (size_t i = first; i < end; i++)
            list[i].module = (uint32_t)m;
        if (end > first)
            name_module(module, list + first, end - first);
        first = end;
    }
}
