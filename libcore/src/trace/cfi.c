/* trace/cfi.c: see cfi.h. Reads .eh_frame through the search table of .eh_frame_hdr, one function at a time.
 *
 * Source: DWARF Debugging Information Format, version 4, section 6.4 (call frame information) and 7.23; Linux
 * Standard Base, core, 10.6 (.eh_frame, .eh_frame_hdr, their augmentations); System V ABI for AMD64, 3.7 (numbers of
 * registers). Nothing that the tables say is trusted: every read is inside the segment that the table lies in. */
#include "trace/cfi.h"

#include <elf.h>
#include <stddef.h>
#include <string.h>

#if defined(__LP64__)
typedef Elf64_Ehdr elf_header;
typedef Elf64_Phdr elf_segment;
#define ELF_CLASS ELFCLASS64
#else
typedef Elf32_Ehdr elf_header;
typedef Elf32_Phdr elf_segment;
#define ELF_CLASS ELFCLASS32
#endif

#define FIRST_PAGE 4096 /* the header and the list of segments are looked for in it */

static const elf_segment *segments_of(uintptr_t start, unsigned *count)
{
    const elf_header *header = (const elf_header *)start;
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELF_CLASS ||
        header->e_phentsize != sizeof(elf_segment) || header->e_phoff % sizeof(uintptr_t) ||
        header->e_phoff > FIRST_PAGE ||
        header->e_phnum > (FIRST_PAGE - header->e_phoff) / sizeof(elf_segment))
        return NULL;
    *count = header->e_phnum;
    return (const elf_segment *)(start + header->e_phoff);
}

bool husk__cfi_module(uintptr_t start, uintptr_t end, struct husk__module *out)
{
    unsigned count;
    const elf_segment *segment = end - start >= FIRST_PAGE ? segments_of(start, &count) : NULL;
    if (!segment)
        return false;
    for (; count; count--, segment++)
        if (segment->p_type == PT_LOAD) { /* the first one: with the header, and lowest */
            *out = (struct husk__module){ start, end,
                                          start - (segment->p_vaddr & ~(uintptr_t)(FIRST_PAGE - 1)) };
            return segment->p_offset < FIRST_PAGE;
        }
    return false;
}

/* The loaded segment with all these flags that address is in: its bounds. */
static bool segment_of(const struct husk__module *module, uintptr_t address, unsigned flags, uintptr_t *start,
                       uintptr_t *end)
{
    unsigned count;
    const elf_segment *segment = segments_of(module->start, &count);
    for (; segment && count; count--, segment++) {
        uintptr_t from = module->base + segment->p_vaddr;
        if (segment->p_type != PT_LOAD || (segment->p_flags & flags) != flags || from < module->start ||
            from > module->end || segment->p_filesz > module->end - from || address < from ||
            address - from >= segment->p_filesz)
            continue;
        *start = from;
        *end = from + segment->p_filesz;
        return true;
    }
    return false;
}

bool husk__cfi_is_code(const struct husk__module *module, uintptr_t address)
{
    uintptr_t start, end;
    return segment_of(module, address, PF_X, &start, &end);
}

#if defined(__x86_64__)

enum { REG_FP = 6, REG_SP = 7, REG_RA = 16 };

/* ---- reading bytes inside bounds ---- */

struct reader {
    const uint8_t *at, *end;
    bool bad; /* something lay outside, or is not understood */
};

static uint64_t take(struct reader *in, unsigned bytes)
{
    uint64_t value = 0;
    if ((size_t)(in->end - in->at) < bytes) {
        in->bad = true;
        return 0;
    }
    memcpy(&value, in->at, bytes); /* little endian, as this machine is */
    in->at += bytes;
    return value;
}

static uint64_t take_uleb(struct reader *in)
{
    uint64_t value = 0, byte;
    unsigned shift = 0;
    do {
        byte = take(in, 1);
        if (shift < 64)
            value |= (byte & 0x7F) << shift;
        shift += 7;
    } while (byte & 0x80 && !in->bad);
    return value;
}

static int64_t take_sleb(struct reader *in)
{
    uint64_t value = 0, byte;
    unsigned shift = 0;
    do {
        byte = take(in, 1);
        if (shift < 64)
            value |= (byte & 0x7F) << shift;
        shift += 7;
    } while (byte & 0x80 && !in->bad);
    if (byte & 0x40 && shift < 64)
        value |= ~(uint64_t)0 << shift;
    return (int64_t)value;
}

/* A pointer in an encoding (DW_EH_PE): absolute or relative to itself; others are not needed here, but skipped. */
static uintptr_t take_pointer(struct reader *in, unsigned encoding)
{
    uintptr_t place = (uintptr_t)in->at, value;
    if (encoding == 0xFF) /* omitted */
        return 0;
    switch (encoding & 15) {
    case 0x00:
        value = take(in, 8);
        break;
    case 0x01:
        value = take_uleb(in);
        break;
    case 0x02:
        value = take(in, 2);
        break;
    case 0x03:
        value = take(in, 4);
        break;
    case 0x04:
        value = take(in, 8);
        break;
    case 0x09:
        value = (uintptr_t)take_sleb(in);
        break;
    case 0x0A:
        value = (uintptr_t)(int64_t)(int16_t)take(in, 2);
        break;
    case 0x0B:
        value = (uintptr_t)(int64_t)(int32_t)take(in, 4);
        break;
    case 0x0C:
        value = take(in, 8);
        break;
    default:
        in->bad = true;
        return 0;
    }
    return (encoding & 0x70) == 0x10 ? value + place : value;
}

static struct reader take_part(struct reader *in, uint64_t bytes)
{
    struct reader part = { in->at, in->at, in->bad };
    if (bytes > (size_t)(in->end - in->at)) {
        in->bad = part.bad = true;
        return part;
    }
    in->at += bytes;
    part.end = in->at;
    return part;
}

/* ---- the program of one function ---- */

/* Expressions are kept as places in the table, and understood only when a row is made. */
enum rule_kind { RULE_SAME, RULE_OFFSET, RULE_EXPRESSION, RULE_UNDEFINED, RULE_OTHER };

struct rule {
    enum rule_kind kind;
    int64_t offset;
    struct reader expression;
};

struct state {
    uint64_t cfa_register;
    int64_t cfa_offset;
    struct reader cfa_expression; /* at != NULL: it counts */
    struct rule fp, ra;
};

struct common { /* of a CIE */
    uint64_t code_factor;
    int64_t data_factor;
    unsigned pointer_encoding;
    bool with_length, is_signal;
    struct reader program;
};

enum { REMEMBERED_MOST = 8 };

static struct rule *rule_of(struct state *state, uint64_t number)
{
    return number == REG_FP ? &state->fp : number == REG_RA ? &state->ra : NULL;
}

static void set_rule(struct state *state, uint64_t number, struct rule rule)
{
    struct rule *target = rule_of(state, number);
    if (target)
        *target = rule;
}

static void set_offset(struct state *state, uint64_t number, int64_t offset)
{
    set_rule(state, number, (struct rule){ RULE_OFFSET, offset, { 0 } });
}

static void set_kind(struct state *state, uint64_t number, enum rule_kind kind)
{
    set_rule(state, number, (struct rule){ kind, 0, { 0 } });
}

static void restore(struct state *state, const struct state *initial, uint64_t number)
{
    if (number == REG_FP)
        state->fp = initial->fp;
    else if (number == REG_RA)
        state->ra = initial->ra;
}

/* The instructions with an operand in their low six bits aside, these are they: DW_CFA_... */
enum {
    CFA_NOP = 0x00,
    CFA_SET_LOC = 0x01,
    CFA_ADVANCE_1 = 0x02,
    CFA_ADVANCE_2 = 0x03,
    CFA_ADVANCE_4 = 0x04,
    CFA_OFFSET_EXTENDED = 0x05,
    CFA_RESTORE_EXTENDED = 0x06,
    CFA_UNDEFINED = 0x07,
    CFA_SAME_VALUE = 0x08,
    CFA_REGISTER = 0x09,
    CFA_REMEMBER = 0x0A,
    CFA_RESTORE_STATE = 0x0B,
    CFA_DEF = 0x0C,
    CFA_DEF_REGISTER = 0x0D,
    CFA_DEF_OFFSET = 0x0E,
    CFA_DEF_EXPRESSION = 0x0F,
    CFA_EXPRESSION = 0x10,
    CFA_OFFSET_EXTENDED_SF = 0x11,
    CFA_DEF_SF = 0x12,
    CFA_DEF_OFFSET_SF = 0x13,
    CFA_VAL_OFFSET = 0x14,
    CFA_VAL_OFFSET_SF = 0x15,
    CFA_VAL_EXPRESSION = 0x16,
    CFA_GNU_ARGS_SIZE = 0x2E,
};

/* Runs a program up to the last instruction for `target`. initial: what DW_CFA_restore goes back to. */
static void run(struct reader *in, const struct common *common, uintptr_t from, uintptr_t target,
                struct state *state, const struct state *initial)
{
    struct state remembered[REMEMBERED_MOST];
    unsigned depth = 0;
    uintptr_t at = from;
    while (in->at < in->end && !in->bad && at <= target) {
        unsigned code = (unsigned)take(in, 1), low = code & 0x3F;
        uint64_t number;
        switch (code & 0xC0) {
        case 0x40:
            at += low * common->code_factor;
            continue;
        case 0x80:
            set_offset(state, low, (int64_t)take_uleb(in) * common->data_factor);
            continue;
        case 0xC0:
            restore(state, initial, low);
            continue;
        default:
            break;
        }
        switch (low) {
        case CFA_NOP:
            break;
        case CFA_SET_LOC:
            at = take_pointer(in, common->pointer_encoding);
            break;
        case CFA_ADVANCE_1:
            at += take(in, 1) * common->code_factor;
            break;
        case CFA_ADVANCE_2:
            at += take(in, 2) * common->code_factor;
            break;
        case CFA_ADVANCE_4:
            at += take(in, 4) * common->code_factor;
            break;
        case CFA_OFFSET_EXTENDED:
            number = take_uleb(in);
            set_offset(state, number, (int64_t)take_uleb(in) * common->data_factor);
            break;
        case CFA_OFFSET_EXTENDED_SF:
            number = take_uleb(in);
            set_offset(state, number, take_sleb(in) * common->data_factor);
            break;
        case CFA_RESTORE_EXTENDED:
            restore(state, initial, take_uleb(in));
            break;
        case CFA_UNDEFINED:
            set_kind(state, take_uleb(in), RULE_UNDEFINED);
            break;
        case CFA_SAME_VALUE:
            set_kind(state, take_uleb(in), RULE_SAME);
            break;
        case CFA_REGISTER:
        case CFA_VAL_OFFSET:
            set_kind(state, take_uleb(in), RULE_OTHER);
            (void)take_uleb(in);
            break;
        case CFA_VAL_OFFSET_SF:
            set_kind(state, take_uleb(in), RULE_OTHER);
            (void)take_sleb(in);
            break;
        case CFA_REMEMBER:
            if (depth == REMEMBERED_MOST)
                in->bad = true;
            else
                remembered[depth++] = *state;
            break;
        case CFA_RESTORE_STATE:
            if (depth == 0)
                in->bad = true;
            else
                *state = remembered[--depth];
            break;
        case CFA_DEF:
        case CFA_DEF_SF:
            state->cfa_register = take_uleb(in);
            state->cfa_offset = low == CFA_DEF ? (int64_t)take_uleb(in) : take_sleb(in) * common->data_factor;
            state->cfa_expression.at = NULL;
            break;
        case CFA_DEF_REGISTER:
            state->cfa_register = take_uleb(in);
            state->cfa_expression.at = NULL;
            break;
        case CFA_DEF_OFFSET:
            state->cfa_offset = (int64_t)take_uleb(in);
            break;
        case CFA_DEF_OFFSET_SF:
            state->cfa_offset = take_sleb(in) * common->data_factor;
            break;
        case CFA_DEF_EXPRESSION:
            state->cfa_expression = take_part(in, take_uleb(in));
            break;
        case CFA_EXPRESSION:
            number = take_uleb(in);
            set_rule(state, number, (struct rule){ RULE_EXPRESSION, 0, take_part(in, take_uleb(in)) });
            break;
        case CFA_VAL_EXPRESSION:
            set_kind(state, take_uleb(in), RULE_OTHER);
            (void)take_part(in, take_uleb(in));
            break;
        case CFA_GNU_ARGS_SIZE:
            (void)take_uleb(in);
            break;
        default:
            in->bad = true;
            break;
        }
    }
}

/* ---- rows ---- */

enum { OP_DEREF = 0x06, OP_BREG0 = 0x70 };

/* DW_OP_breg6 offset: the frame pointer and an offset; reads on behind it. */
static bool is_fp_offset(struct reader *in, int64_t *offset)
{
    if (take(in, 1) != OP_BREG0 + REG_FP)
        return false;
    *offset = take_sleb(in);
    return !in->bad;
}

/* What the linker writes for a procedure linkage table: rsp + 8, or + 16 from byte n of each 16 on, where the
 * entry has pushed its number. */
static bool is_plt(struct reader in, uintptr_t address, int64_t *offset)
{
    static const uint8_t form[] = { 0x77, 8, 0x80, 0, 0x3F, 0x1A, 0x30, 0x2A, 0x33, 0x24, 0x22 };
    enum { BOUND = 6 }; /* DW_OP_lit0 + n */
    if ((size_t)(in.end - in.at) != sizeof form)
        return false;
    for (unsigned i = 0; i < sizeof form; i++)
        if (i == BOUND ? in.at[i] < 0x30 || in.at[i] > 0x3F : in.at[i] != form[i])
            return false;
    *offset = (address & 15) >= in.at[BOUND] - 0x30u ? 16 : 8;
    return true;
}

static bool fits(int64_t value, unsigned bits)
{
    return value >= -((int64_t)1 << (bits - 1)) && value < (int64_t)1 << (bits - 1);
}

static uint64_t row_from(const struct state *state, uintptr_t address)
{
    enum husk__row_kind kind;
    int64_t offset = state->cfa_offset, saved_offset = 0;
    struct reader expression = state->cfa_expression;
    if (expression.at) {
        if (is_plt(expression, address, &offset))
            kind = ROW_SP;
        else if (is_fp_offset(&expression, &offset) && take(&expression, 1) == OP_DEREF && !expression.bad &&
                 expression.at == expression.end)
            kind = ROW_LOADED;
        else
            return ROW_END;
    } else if (state->cfa_register == REG_SP) {
        kind = ROW_SP;
    } else if (state->cfa_register == REG_FP) {
        kind = ROW_FP;
    } else {
        return ROW_END;
    }
    if (state->ra.kind != RULE_OFFSET || state->ra.offset != -8 || !fits(offset, 32))
        return ROW_END;
    enum husk__row_saved saved = SAVED_LOST;
    struct reader fp = state->fp.expression;
    if (state->fp.kind == RULE_SAME) {
        saved = SAVED_NOT;
    } else if (state->fp.kind == RULE_OFFSET && fits(state->fp.offset, 24)) {
        saved = SAVED_CFA;
        saved_offset = state->fp.offset;
    } else if (state->fp.kind == RULE_EXPRESSION && is_fp_offset(&fp, &saved_offset) && fp.at == fp.end &&
               fits(saved_offset, 24)) {
        saved = SAVED_FP;
    }
    return husk__row(kind, (int32_t)offset, saved, saved == SAVED_LOST ? 0 : (int32_t)saved_offset);
}

/* ---- finding the function ---- */

/* An entry (CIE or FDE) from its length on: its bytes behind the length. */
static struct reader entry_at(const struct reader *table, const uint8_t *at)
{
    struct reader in = { at, table->end, at < table->at || at >= table->end };
    if (in.bad)
        in.at = in.end;
    uint64_t length = take(&in, 4);
    if (length == 0xFFFFFFFF || length == 0)
        in.bad = true;
    return take_part(&in, length);
}

static bool read_common(const struct reader *table, const uint8_t *at, struct common *out)
{
    struct reader in = entry_at(table, at);
    *out = (struct common){ 0 };
    if (take(&in, 4) != 0)
        return false;
    unsigned version = (unsigned)take(&in, 1);
    const char *augmentation = (const char *)in.at;
    const void *end = in.bad ? NULL : memchr(in.at, 0, (size_t)(in.end - in.at));
    if (!end || (version != 1 && version != 3))
        return false;
    in.at = (const uint8_t *)end + 1;
    out->code_factor = take_uleb(&in);
    out->data_factor = take_sleb(&in);
    uint64_t ra = version == 1 ? take(&in, 1) : take_uleb(&in);
    if (ra != REG_RA)
        return false;
    if (*augmentation == 'z') {
        out->with_length = true;
        struct reader data = take_part(&in, take_uleb(&in));
        for (augmentation++; *augmentation && !data.bad; augmentation++)
            switch (*augmentation) {
            case 'R':
                out->pointer_encoding = (unsigned)take(&data, 1);
                break;
            case 'P':
                (void)take_pointer(&data, (unsigned)take(&data, 1));
                break;
            case 'L':
                (void)take(&data, 1);
                break;
            case 'S':
                out->is_signal = true;
                break;
            default:
                return false;
            }
        in.bad |= data.bad;
    } else if (*augmentation) {
        return false;
    }
    out->program = in;
    return !in.bad;
}

/* mov $15, %rax; syscall: what the C library has a handler return to. */
static bool is_sigreturn(const struct husk__module *module, uintptr_t pc)
{
    static const uint8_t code[] = { 0x48, 0xC7, 0xC0, 0x0F, 0, 0, 0, 0x0F, 0x05 };
    uintptr_t start, end;
    return segment_of(module, pc, PF_X | PF_R, &start, &end) && end - pc >= sizeof code &&
           memcmp((const void *)pc, code, sizeof code) == 0;
}

static uint64_t row_of_entry(const struct husk__module *module, const struct reader *table, const uint8_t *at,
                             uintptr_t pc)
{
    struct reader in = entry_at(table, at);
    const uint8_t *place = in.at;
    uint64_t back = take(&in, 4);
    struct common common;
    if (in.bad || back == 0 || back > (size_t)(place - table->at) ||
        !read_common(table, place - back, &common))
        return ROW_NONE;
    uintptr_t from = take_pointer(&in, common.pointer_encoding);
    uintptr_t length = take_pointer(&in, common.pointer_encoding & 15);
    uintptr_t address = pc - 1;
    if (in.bad || address < from || address - from >= length)
        return ROW_NONE;
    if (common.with_length)
        (void)take_part(&in, take_uleb(&in));
    if (common.is_signal)
        return is_sigreturn(module, pc) ? (uint64_t)ROW_SIGNAL : (uint64_t)ROW_END;
    struct state state = { 0 }, initial;
    run(&common.program, &common, from, address, &state, &state);
    initial = state;
    run(&in, &common, from, address, &state, &initial);
    return common.program.bad || in.bad ? (uint64_t)ROW_END : row_from(&state, address);
}

/* .eh_frame_hdr: version, three encodings, the table's address and count, then pairs (function, entry), both as
 * signed 32 bits from the header's start, ordered: what every linker writes. */
struct pair {
    int32_t function, entry;
};

struct search_table {
    uintptr_t header, frames, end; /* of .eh_frame_hdr, of .eh_frame, of the segment with both */
    const struct pair *pairs;
    size_t count;
};

static bool find_table(const struct husk__module *module, struct search_table *out)
{
    unsigned count;
    uintptr_t header = 0, start, end;
    const elf_segment *segment = segments_of(module->start, &count);
    for (; segment && count; count--, segment++)
        if (segment->p_type == PT_GNU_EH_FRAME)
            header = module->base + segment->p_vaddr;
    if (!header || header % 4 || !segment_of(module, header, PF_R, &start, &end))
        return false;
    struct reader in = { (const uint8_t *)header, (const uint8_t *)end, false };
    unsigned version = (unsigned)take(&in, 1), pointer = (unsigned)take(&in, 1);
    unsigned counted = (unsigned)take(&in, 1), paired = (unsigned)take(&in, 1);
    uintptr_t frames = take_pointer(&in, pointer);
    uintptr_t pairs_count = take_pointer(&in, counted);
    if (in.bad || version != 1 || paired != 0x3B || (pointer & 0x70) != 0x10 ||
        pairs_count > (size_t)(in.end - in.at) / sizeof(struct pair) || frames < start || frames >= end ||
        (uintptr_t)in.at % sizeof(int32_t))
        return false;
    *out =
        (struct search_table){ header, frames, end, (const struct pair *)(const void *)in.at, pairs_count };
    return true;
}

/* The last pair that begins at or before pc - 1; NULL: there is none. */
static const struct pair *find_pair(const struct search_table *table, uintptr_t pc)
{
    int64_t wanted = (int64_t)(pc - 1 - table->header);
    size_t low = 0, high = table->count; /* it is below `high` */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->pairs[middle].function <= wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? &table->pairs[low - 1] : NULL;
}

uint64_t husk__cfi_row(const struct husk__module *module, uintptr_t pc)
{
    struct search_table table;
    const struct pair *pair = find_table(module, &table) ? find_pair(&table, pc) : NULL;
    if (!pair)
        return ROW_NONE;
    struct reader in = { (const uint8_t *)table.frames, (const uint8_t *)table.end, false };
    return row_of_entry(module, &in, (const uint8_t *)(table.header + (uintptr_t)(int64_t)pair->entry), pc);
}

uintptr_t husk__cfi_function(const struct husk__module *module, uintptr_t pc)
{
    struct search_table table;
    const struct pair *pair = find_table(module, &table) ? find_pair(&table, pc) : NULL;
    return pair ? table.header + (uintptr_t)(int64_t)pair->function : 0;
}

#else

/* Other machines keep frame pointers. */
uint64_t husk__cfi_row(const struct husk__module *module, uintptr_t pc)
{
    (void)module;
    (void)pc;
    return ROW_NONE;
}

uintptr_t husk__cfi_function(const struct husk__module *module, uintptr_t pc)
{
    (void)module;
    (void)pc;
    return 0;
}

#endif
