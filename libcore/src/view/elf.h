/* view/elf.h: ELF files as bytes: their symbols and build id, read without trust. For native byte order and word
 * size. */
#ifndef HUSK_VIEW_ELF_H
#define HUSK_VIEW_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct husk__elf {
    const unsigned char *at;
    size_t size;
};

/* A part of one. */
struct husk__elf_span {
    const unsigned char *at;
    size_t size;
};

enum { ELF_BUILD_ID_MOST = 64 };

struct husk__elf_symbol {
    uint64_t start, end; /* addresses as the file says them; the end is outside */
    const char *name;    /* NUL-terminated, inside the file */
    unsigned rank;       /* of several with the same start the higher one has the better name */
};

/* Whether these bytes are an ELF file for this machine. */
bool husk__elf_is(const struct husk__elf *elf);

/* The bytes of the section of this name; false, and none, if there is none or it is compressed. */
bool husk__elf_section(const struct husk__elf *elf, const char *name, struct husk__elf_span *out);

/* Calls fn for each function with a name and a length: of .symtab if there is one, else of .dynsym. Whether there
 * was such a table, and whether it was .symtab. */
typedef void husk__elf_symbol_fn(const struct husk__elf_symbol *symbol, void *data);
enum husk__elf_table { ELF_NO_TABLE, ELF_DYNSYM, ELF_SYMTAB };
enum husk__elf_table husk__elf_table_of(const struct husk__elf *elf);
void husk__elf_symbols(const struct husk__elf *elf, enum husk__elf_table table, husk__elf_symbol_fn *fn,
                       void *data);

/* The build id in notes (the bytes of a PT_NOTE segment or a section); its length, 0 if there is none. */
size_t husk__elf_build_id(const unsigned char *notes, size_t size, unsigned char out[ELF_BUILD_ID_MOST]);

/* The build id of a file. */
size_t husk__elf_file_build_id(const struct husk__elf *elf, unsigned char out[ELF_BUILD_ID_MOST]);

#endif
