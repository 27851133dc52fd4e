/* view/linetable.c: see linetable.h. The form is that of "DWARF Debugging Information Format", version 5, 6.2 (DWARF
 * Debugging Information Format Committee, 2017), which has versions 2 to 4 as its older forms.
 *
 * A table is a program for a small machine whose state is (address, line, file); each "row" it makes says from where on
 * that state holds, and the next one where it ends. */
#include "view/linetable.h"

#include <string.h>

/* ---- bytes ---- */

/* What is left of a span; at its end, and after anything that does not fit, zeros are read and `bad` stays. */
struct cursor {
    const unsigned char *at, *end;
    bool bad;
};

static struct cursor cursor_of(struct husk__elf_span span)
{
    return (struct cursor){ .at = span.at, .end = span.at + span.size };
}

static size_t left(const struct cursor *c)
{
    return c->bad ? 0 : (size_t)(c->end - c->at);
}

static const unsigned char *take(struct cursor *c, uint64_t size)
{
    if (size > left(c)) {
        c->bad = true;
        return NULL;
    }
    const unsigned char *at = c->at;
    c->at += size;
    return at;
}

/* Of 1, 2, 4 or 8 bytes, in the machine's order. */
static uint64_t take_number(struct cursor *c, unsigned size)
{
    const unsigned char *at = take(c, size);
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    if (!at)
        return 0;
    switch (size) {
    case 1:
        return *at;
    case 2:
        memcpy(&two, at, sizeof two);
        return two;
    case 4:
        memcpy(&four, at, sizeof four);
        return four;
    default:
        memcpy(&eight, at, sizeof eight);
        return eight;
    }
}

static uint64_t take_leb(struct cursor *c, bool is_signed)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        unsigned byte = (unsigned)take_number(c, 1);
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte & 0x80)
            continue;
        if (is_signed && byte & 0x40 && shift + 7 < 64)
            value |= ~(uint64_t)0 << (shift + 7);
        return value;
    }
}

static uint64_t take_unsigned(struct cursor *c)
{
    return take_leb(c, false);
}

static const char *take_text(struct cursor *c)
{
    const unsigned char *end = left(c) ? memchr(c->at, 0, left(c)) : NULL;
    return (const char *)take(c, end ? (uint64_t)(end - c->at) + 1 : UINT64_MAX);
}

/* The text at an offset of a section of texts. */
static const char *text_at(struct husk__elf_span texts, uint64_t offset)
{
    return offset < texts.size && memchr(texts.at + offset, 0, texts.size - offset)
               ? (const char *)texts.at + offset
               : NULL;
}

/* ---- names of files ---- */

enum { CONTENT_PATH = 1, CONTENT_DIRECTORY = 2 };
enum {
    FORM_DATA2 = 0x05,
    FORM_DATA4 = 0x06,
    FORM_DATA8 = 0x07,
    FORM_STRING = 0x08,
    FORM_BLOCK = 0x09,
    FORM_DATA1 = 0x0b,
    FORM_STRP = 0x0e,
    FORM_UDATA = 0x0f,
    FORM_DATA16 = 0x1e,
    FORM_LINE_STRP = 0x1f
};

struct entry {
    const char *path; /* NULL: none */
    uint64_t directory;
};

/* One column of an entry of version 5. */
static void take_column(const struct husk__line_unit *unit, struct cursor *c, uint64_t content, uint64_t form,
                        struct entry *out)
{
    const char *text = NULL;
    uint64_t number = 0;
    switch (form) {
    case FORM_STRING:
        text = take_text(c);
        break;
    case FORM_STRP:
        text = text_at(unit->texts[0], take_number(c, unit->offset_size));
        break;
    case FORM_LINE_STRP:
        text = text_at(unit->texts[1], take_number(c, unit->offset_size));
        break;
    case FORM_DATA1:
        number = take_number(c, 1);
        break;
    case FORM_DATA2:
        number = take_number(c, 2);
        break;
    case FORM_DATA4:
        number = take_number(c, 4);
        break;
    case FORM_DATA8:
        number = take_number(c, 8);
        break;
    case FORM_UDATA:
        number = take_unsigned(c);
        break;
    case FORM_DATA16:
        (void)take(c, 16);
        break;
    case FORM_BLOCK:
        (void)take(c, take_unsigned(c));
        break;
    default: /* of unknown length */
        c->bad = true;
    }
    if (content == CONTENT_PATH)
        out->path = text;
    else if (content == CONTENT_DIRECTORY)
        out->directory = number;
}

/* Goes past a list of version 5, its format first, and fetches entry number `wanted`. */
static bool list_entry(const struct husk__line_unit *unit, struct cursor *c, uint64_t wanted,
                       struct entry *out)
{
    bool found = false;
    uint64_t columns = take_number(c, 1);
    struct cursor format = *c;
    for (uint64_t i = 0; i < 2 * columns; i++)
        (void)take_unsigned(c);
    uint64_t count = take_unsigned(c);
    for (uint64_t n = 0; n < count && columns && !c->bad; n++) {
        struct entry entry = { 0 };
        struct cursor f = format;
        for (uint64_t i = 0; i < columns; i++) {
            uint64_t content = take_unsigned(&f), form = take_unsigned(&f);
            take_column(unit, c, content, form, &entry);
        }
        if (n == wanted && !c->bad) {
            *out = entry;
            found = true;
        }
    }
    return found;
}

static bool file_5(const struct husk__line_unit *unit, uint64_t number, struct husk__line_file *out)
{
    struct cursor lists = cursor_of(unit->names), files = lists;
    struct entry base = { 0 }, file = { 0 }, directory = { 0 };
    (void)list_entry(unit, &files, 0, &base); /* the first directory is the one that was compiled in */
    if (!list_entry(unit, &files, number, &file) || !file.path)
        return false;
    (void)list_entry(unit, &lists, file.directory, &directory);
    *out = (struct husk__line_file){ base.path ? base.path : "",
                                     directory.path && file.directory ? directory.path : "", file.path };
    return true;
}

/* Older versions: texts one after the other, an empty one behind the last; files with three numbers each. Directory 0
 * is not said here. */
static bool file_4(const struct husk__line_unit *unit, uint64_t number, struct husk__line_file *out)
{
    struct cursor c = cursor_of(unit->names);
    const char *directories = (const char *)c.at, *text;
    while ((text = take_text(&c)) && *text)
        ;
    uint64_t n = 1, directory = 0;
    for (; (text = take_text(&c)) && *text && n <= number; n++) {
        directory = take_unsigned(&c);
        (void)take_unsigned(&c);
        (void)take_unsigned(&c);
        if (n == number && !c.bad)
            break;
    }
    if (!text || !*text || n != number || c.bad)
        return false;
    *out = (struct husk__line_file){ "", "", text };
    for (uint64_t d = 1; *directories && d <= directory; d++) {
        if (d == directory)
            out->directory = directories;
        directories += strlen(directories) + 1; /* each ended inside above */
    }
    return true;
}

bool husk__line_file(const struct husk__line_run *run, struct husk__line_file *out)
{
    return run->unit->version >= 5 ? file_5(run->unit, run->file, out) : file_4(run->unit, run->file, out);
}

/* ---- the machine ---- */

struct machine {
    /* As the header says. */
    unsigned least, most_operations, line_range, first_special;
    int line_base;
    const unsigned char *lengths; /* of the operands of standard operations, from 1 on */
    /* The state. */
    uint64_t address, operation, line, file;
    bool begun; /* there is a row in this sequence: */
    struct husk__line_run row;
    bool dead; /* a sequence from address 0: of a function that the linker left out */
    husk__line_fn *fn;
    void *data;
};

static void begin_sequence(struct machine *m)
{
    m->address = 0;
    m->operation = 0;
    m->line = 1;
    m->file = 1;
    m->begun = false;
    m->dead = false;
}

/* By so many operations; more than one in an instruction only where machines have long words. */
static void advance(struct machine *m, uint64_t by)
{
    if (m->most_operations <= 1) {
        m->address += by * m->least;
        return;
    }
    uint64_t sum = m->operation + by;
    m->address += m->least * (sum / m->most_operations);
    m->operation = sum % m->most_operations;
}

static void put_row(struct machine *m)
{
    if (m->begun && !m->dead && m->address > m->row.start && m->row.line) {
        m->row.end = m->address;
        m->fn(&m->row, m->data);
    }
    m->dead = m->dead || (!m->begun && m->address == 0);
    m->begun = true;
    m->row.start = m->address;
    m->row.file = m->file;
    m->row.line = m->line <= UINT32_MAX ? (uint32_t)m->line : 0;
}

enum {
    COPY = 1,
    ADVANCE_PC,
    ADVANCE_LINE,
    SET_FILE,
    SET_COLUMN,
    NEGATE_STATEMENT,
    BASIC_BLOCK,
    CONST_ADD_PC,
    FIXED_ADVANCE_PC
};
enum { END_SEQUENCE = 1, SET_ADDRESS = 2 };

static void run_extended(struct machine *m, struct cursor *c)
{
    uint64_t size = take_unsigned(c);
    const unsigned char *at = take(c, size);
    if (!at || !size)
        return;
    struct cursor inside = { .at = at, .end = at + size };
    switch (take_number(&inside, 1)) {
    case END_SEQUENCE:
        put_row(m);
        begin_sequence(m);
        break;
    case SET_ADDRESS:
        m->operation = 0;
        if (size == 9 || size == 5)
            m->address = take_number(&inside, (unsigned)size - 1);
        else
            c->bad = true;
        break;
    default: /* files and discriminators */
        break;
    }
}

static void run_standard(struct machine *m, struct cursor *c, unsigned operation)
{
    switch (operation) {
    case COPY:
        put_row(m);
        break;
    case ADVANCE_PC:
        advance(m, take_unsigned(c));
        break;
    case ADVANCE_LINE:
        m->line += take_leb(c, true);
        break;
    case SET_FILE:
        m->file = take_unsigned(c);
        break;
    case CONST_ADD_PC:
        advance(m, (255 - m->first_special) / m->line_range);
        break;
    case FIXED_ADVANCE_PC:
        m->address += take_number(c, 2);
        m->operation = 0;
        break;
    default:
        for (unsigned i = m->lengths[operation - 1]; i; i--)
            (void)take_unsigned(c);
    }
}

static void run(struct machine *m, struct cursor *c)
{
    begin_sequence(m);
    while (left(c)) {
        unsigned operation = (unsigned)take_number(c, 1);
        if (operation >= m->first_special) {
            unsigned step = operation - m->first_special;
            advance(m, step / m->line_range);
            m->line += (uint64_t)(int64_t)(m->line_base + (int)(step % m->line_range));
            put_row(m);
        } else if (operation) {
            run_standard(m, c, operation);
        } else {
            run_extended(m, c);
        }
    }
}

/* ---- tables ---- */

/* The table that begins here; what is behind it is left in `c`. */
static void read_unit(struct cursor *c, struct husk__line_unit *unit, husk__line_fn *fn, void *data)
{
    struct machine m = { .fn = fn, .data = data, .row.unit = unit };
    uint64_t size = take_number(c, 4);
    unit->offset_size = size == UINT32_MAX ? 8 : 4;
    if (unit->offset_size == 8)
        size = take_number(c, 8);
    const unsigned char *at = take(c, size);
    if (!at)
        return;
    struct cursor u = { .at = at, .end = at + size };
    unit->version = (unsigned)take_number(&u, 2);
    if (unit->version < 2 || unit->version > 5)
        return;
    if (unit->version == 5)
        (void)take(&u, 2); /* sizes of an address and of a segment's selector */
    uint64_t header = take_number(&u, unit->offset_size);
    const unsigned char *program = header <= left(&u) ? u.at + header : NULL;
    m.least = (unsigned)take_number(&u, 1);
    m.most_operations = unit->version >= 4 ? (unsigned)take_number(&u, 1) : 1;
    (void)take_number(&u, 1); /* whether rows begin as statements */
    m.line_base = (int8_t)take_number(&u, 1);
    m.line_range = (unsigned)take_number(&u, 1);
    m.first_special = (unsigned)take_number(&u, 1);
    m.lengths = m.first_special ? take(&u, m.first_special - 1) : NULL;
    if (u.bad || !program || program < u.at || !m.line_range || !m.lengths)
        return;
    unit->names = (struct husk__elf_span){ u.at, (size_t)(program - u.at) };
    u.at = program;
    run(&m, &u);
}

void husk__line_runs(const struct husk__elf *elf, husk__line_fn *fn, void *data)
{
    struct husk__line_unit unit = { 0 };
    struct husk__elf_span lines;
    if (!husk__elf_section(elf, ".debug_line", &lines))
        return;
    (void)husk__elf_section(elf, ".debug_str", &unit.texts[0]);
    (void)husk__elf_section(elf, ".debug_line_str", &unit.texts[1]);
    struct cursor c = cursor_of(lines);
    while (left(&c))
        read_unit(&c, &unit, fn, data);
}
