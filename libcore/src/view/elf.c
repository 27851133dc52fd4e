/* view/elf.c: see elf.h. The form is that of the System V ABI, chapters 4 and 5, and of elf(5). */
#include "view/elf.h"

#include <elf.h>
#include <string.h>

#if defined(__LP64__)
typedef Elf64_Ehdr elf_header;
typedef Elf64_Shdr elf_section;
typedef Elf64_Phdr elf_segment;
typedef Elf64_Sym elf_symbol;
#define OWN_CLASS ELFCLASS64
#else
typedef Elf32_Ehdr elf_header;
typedef Elf32_Shdr elf_section;
typedef Elf32_Phdr elf_segment;
typedef Elf32_Sym elf_symbol;
#define OWN_CLASS ELFCLASS32
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OWN_DATA ELFDATA2LSB
#else
#define OWN_DATA ELFDATA2MSB
#endif

#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#else
#define OWN_MACHINE 0 /* any */
#endif

/* Whether the file has `size` bytes from `offset` on. */
static bool has(const struct husk__elf *elf, uint64_t offset, uint64_t size)
{
    return offset <= elf->size && size <= elf->size - offset;
}

/* What lies in the file need not be aligned: copies. */
static bool read_at(const struct husk__elf *elf, uint64_t offset, void *out, size_t size)
{
    if (!has(elf, offset, size))
        return false;
    memcpy(out, elf->at + offset, size);
    return true;
}

static bool read_header(const struct husk__elf *elf, elf_header *out)
{
    return read_at(elf, 0, out, sizeof *out) && memcmp(out->e_ident, ELFMAG, SELFMAG) == 0 &&
           out->e_ident[EI_CLASS] == OWN_CLASS && out->e_ident[EI_DATA] == OWN_DATA &&
           (OWN_MACHINE == 0 || out->e_machine == OWN_MACHINE);
}

bool husk__elf_is(const struct husk__elf *elf)
{
    elf_header header;
    return read_header(elf, &header);
}

static bool read_section(const struct husk__elf *elf, const elf_header *header, size_t number,
                         elf_section *out)
{
    return header->e_shentsize == sizeof *out && number < header->e_shnum && header->e_shoff <= elf->size &&
           read_at(elf, header->e_shoff + number * sizeof *out, out, sizeof *out) &&
           (out->sh_type == SHT_NOBITS || has(elf, out->sh_offset, out->sh_size));
}

/* The first section of a type. */
static bool find_section(const struct husk__elf *elf, const elf_header *header, uint32_t type,
                         elf_section *out)
{
    for (size_t i = 0; i < header->e_shnum; i++)
        if (read_section(elf, header, i, out) && out->sh_type == type)
            return true;
    return false;
}

bool husk__elf_section(const struct husk__elf *elf, const char *name, struct husk__elf_span *out)
{
    elf_header header;
    elf_section names, section;
    *out = (struct husk__elf_span){ 0 };
    if (!read_header(elf, &header) || !read_section(elf, &header, header.e_shstrndx, &names) ||
        names.sh_type != SHT_STRTAB)
        return false;
    size_t length = strlen(name) + 1;
    for (size_t i = 0; i < header.e_shnum; i++)
        if (read_section(elf, &header, i, &section) && section.sh_name < names.sh_size &&
            length <= names.sh_size - section.sh_name &&
            memcmp(elf->at + names.sh_offset + section.sh_name, name, length) == 0) {
            if (section.sh_type == SHT_NOBITS || section.sh_flags & SHF_COMPRESSED)
                return false;
            *out = (struct husk__elf_span){ elf->at + section.sh_offset, section.sh_size };
            return true;
        }
    return false;
}

enum husk__elf_table husk__elf_table_of(const struct husk__elf *elf)
{
    elf_header header;
    elf_section section;
    if (!read_header(elf, &header))
        return ELF_NO_TABLE;
    if (find_section(elf, &header, SHT_SYMTAB, &section) && section.sh_size)
        return ELF_SYMTAB;
    return find_section(elf, &header, SHT_DYNSYM, &section) && section.sh_size ? ELF_DYNSYM : ELF_NO_TABLE;
}

/* Global names before weak ones before local ones; of equals, those without leading underscores. */
static unsigned rank_of(const elf_symbol *symbol, const char *name)
{
    unsigned bind = ELF64_ST_BIND(symbol->st_info); /* the same for both classes */
    unsigned rank = bind == STB_GLOBAL ? 2 : bind == STB_WEAK ? 1 : 0;
    return rank * 4 + (name[0] != '_' ? 2 : name[1] != '_' ? 1 : 0);
}

void husk__elf_symbols(const struct husk__elf *elf, enum husk__elf_table table, husk__elf_symbol_fn *fn,
                       void *data)
{
    elf_header header;
    elf_section symbols, strings;
    if (table == ELF_NO_TABLE || !read_header(elf, &header) ||
        !find_section(elf, &header, table == ELF_SYMTAB ? SHT_SYMTAB : SHT_DYNSYM, &symbols) ||
        symbols.sh_entsize != sizeof(elf_symbol) || !read_section(elf, &header, symbols.sh_link, &strings) ||
        strings.sh_type != SHT_STRTAB || strings.sh_size == 0)
        return;
    const char *texts = (const char *)elf->at + strings.sh_offset;
    if (texts[strings.sh_size - 1] != 0) /* then every text ends inside */
        return;
    size_t count = symbols.sh_size / sizeof(elf_symbol);
    for (size_t i = 0; i < count; i++) {
        elf_symbol symbol;
        memcpy(&symbol, elf->at + symbols.sh_offset + i * sizeof symbol, sizeof symbol);
        unsigned type = ELF64_ST_TYPE(symbol.st_info);
        if ((type != STT_FUNC && type != STT_GNU_IFUNC) || symbol.st_shndx == SHN_UNDEF ||
            symbol.st_size == 0 || symbol.st_name >= strings.sh_size ||
            symbol.st_value > UINT64_MAX - symbol.st_size)
            continue;
        const char *name = texts + symbol.st_name;
        if (!*name)
            continue;
        struct husk__elf_symbol found = { symbol.st_value, symbol.st_value + symbol.st_size, name,
                                          rank_of(&symbol, name) };
        fn(&found, data);
    }
}

size_t husk__elf_build_id(const unsigned char *notes, size_t size, unsigned char out[ELF_BUILD_ID_MOST])
{
    while (size >= 12) {
        uint32_t head[3]; /* lengths of name and content, type; all three parts are padded to 4 bytes */
        memcpy(head, notes, sizeof head);
        uint64_t name = ((uint64_t)head[0] + 3) & ~(uint64_t)3,
                 content = ((uint64_t)head[1] + 3) & ~(uint64_t)3;
        if (name > size - 12 || content > size - 12 - name)
            return 0;
        if (head[2] == NT_GNU_BUILD_ID && head[0] == 4 && memcmp(notes + 12, "GNU", 4) == 0 && head[1] &&
            head[1] <= ELF_BUILD_ID_MOST) {
            memcpy(out, notes + 12 + name, head[1]);
            return head[1];
        }
        notes += 12 + name + content;
        size -= 12 + name + content;
    }
    return 0;
}

size_t husk__elf_file_build_id(const struct husk__elf *elf, unsigned char out[ELF_BUILD_ID_MOST])
{
    elf_header header;
    elf_section section;
    if (!read_header(elf, &header))
        return 0;
    for (size_t i = 0; i < header.e_shnum; i++) {
        if (!read_section(elf, &header, i, &section) || section.sh_type != SHT_NOTE)
            continue;
        size_t length = husk__elf_build_id(elf->at + section.sh_offset, section.sh_size, out);
        if (length)
            return length;
    }
    return 0;
}
