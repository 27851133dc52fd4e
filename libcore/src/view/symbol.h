/* view/symbol.h: names and lines for addresses of this process's code, when a snapshot is taken.
 *
 *   husk__symbols_open     the modules: programs and libraries that are loaded now
 *   husk__symbols_name     the functions and lines at many addresses, one module's file after the other
 *   husk__symbols_close
 *
 * Names come from the file's .symtab, from that of its separate debug file (/usr/lib/debug/.build-id/...), or from
 * .dynsym, as they stand there (C++ names stay mangled); lines from their tables of lines (linetable.h), so where code
 * was inlined it is the inlined line in the outer function. A file that is damaged, gone, or another one than was
 * loaded names nothing. Asks base for memory a few times, never per name. One thread. */
#ifndef HUSK_VIEW_SYMBOL_H
#define HUSK_VIEW_SYMBOL_H

#include "view/linetable.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SYMBOL_ID_TEXT = 129, SYMBOL_NONE = 0xFFFFFFFFu };

struct husk__symbol_module {
    const char *path;              /* as long as `symbols` is open, and the module loaded */
    uint64_t start, end;           /* where its code is mapped */
    uint64_t offset;               /* of start in the file */
    uint64_t base;                 /* added to the addresses that the file says */
    char build_id[SYMBOL_ID_TEXT]; /* in hexadecimal; "": it has none */
};

/* An address, and what is found for it. */
struct husk__symbol {
    uint64_t address; /* inside the instruction that is meant: for a return address, one byte before */
    const char *name; /* "": not known; else as long as `symbols` is open */
    uint64_t start;   /* of the function; 0: not known */
    uint32_t module;  /* number of husk__symbols_module; SYMBOL_NONE: in none */
    uint32_t tag;     /* the caller's */
    uint32_t rank;
    uint32_t line;               /* 0: not known */
    struct husk__line_file file; /* if the line is; as long as `symbols` is open */
};

struct husk__symbols;

/* NULL: no memory. */
struct husk__symbols *husk__symbols_open(void);
void husk__symbols_close(struct husk__symbols *symbols);

size_t husk__symbols_modules(const struct husk__symbols *symbols);
const struct husk__symbol_module *husk__symbols_module(const struct husk__symbols *symbols, size_t number);

/* Fills in all members but address and tag, and puts the list in the order of addresses. */
void husk__symbols_name(struct husk__symbols *symbols, struct husk__symbol *list, size_t count);

#endif
