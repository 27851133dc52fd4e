/* view/ledgertext.c: what a ledger knows, read and as text. Lists are made by ledgerlist.c. */
#include "object/ledgered.h"
#include "trace/site.h"
#include "view/ledgerlist.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool husk_ledger_book_get(const husk_obj *obj, husk_ledger_book *out)
{
    *out = (husk_ledger_book){ 0 };
    if (!husk__is_ledgered(obj))
        return false;
    const struct husk__ledger_book *book = husk__book_of(obj);
    *out = (husk_ledger_book){ book->number, book->count, book->before, book->lost, book->unpaired };
    return true;
}

bool husk_ledger_born(const husk_obj *obj, size_t index, husk_place_frame *out)
{
    if (!husk__is_ledgered(obj))
        return false;
    const struct husk__tracer *tracer = husk__heap_of(obj)->ledgered->ledger->tracer;
    uint32_t stack = tracer->records[husk__book_of(obj)->born].stack; /* of record 0: none */
    husk__sites_lock();
    for (; stack && index; index--)
        stack = husk__site_stack_at(stack)->parent;
    if (stack) {
        const struct husk__site_frame *frame = husk__site_frame_at(husk__site_stack_at(stack)->frame);
        *out = (husk_place_frame){ frame->file, frame->function, frame->line, frame->address };
    }
    husk__sites_unlock();
    return stack;
}

husk_obj *husk_ledger_find(const husk_heap *heap, uint64_t number)
{
    const struct husk__ledger *ledger = heap->ledgered ? heap->ledgered->ledger : NULL;
    for (uint32_t i = 1; ledger && number && i < ledger->books.count; i++)
        if (husk__ledger_book_at(ledger, i)->number == number) {
            husk_obj *obj = (husk_obj *)(uintptr_t)husk__ledger_book_at(ledger, i)->thing;
            return husk__is_dying(obj) ? NULL : obj;
        }
    return NULL;
}

size_t husk_ledger_list_count(const husk_ledger_list *list)
{
    return list->row_count;
}

size_t husk_ledger_list_total(const husk_ledger_list *list)
{
    return list->total;
}

bool husk_ledger_list_get(const husk_ledger_list *list, size_t index, husk_ledger_entry *out)
{
    if (index >= list->row_count)
        return false;
    *out = list->rows[list->order[index]].shown;
    return true;
}

bool husk_ledger_list_frame(const husk_ledger_list *list, size_t index, size_t frame, husk_place_frame *out)
{
    if (index >= list->row_count)
        return false;
    const struct husk__ledger_row *row = &list->rows[list->order[index]];
    if (frame >= row->shown.frames)
        return false;
    *out = list->frames[row->frame_at + frame];
    return true;
}

struct text {
    char *out;
    size_t room, used;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t left = text->used < text->room ? text->room - text->used : 0;
    int length = vsnprintf(left ? text->out + text->used : NULL, left, format, arguments);
    va_end(arguments);
    text->used += length > 0 ? (size_t)length : 0;
}

static void add_holder(struct text *text, const husk_ledger_entry *entry)
{
    add(text, *entry->name ? "field %s of %s" : "%sitem of %s", entry->name, entry->holder);
    if (entry->number)
        add(text, " #%llu", (unsigned long long)entry->number);
    if (entry->gone)
        add(text, ", which does not hold it any more");
}

/* "3 retains by handle of Lua", "retain, field next of Node #12", "birth" */
static void add_head(struct text *text, const husk_ledger_entry *entry)
{
    static const char *const one[] = { "retain", "birth", "unpaired release", "death" };
    if (entry->count > 1)
        add(text, "%zu %ss", entry->count, one[entry->kind]);
    else
        add(text, "%s", one[entry->kind]);
    if (entry->kind == HUSK_LEDGER_DEATH)
        add(text, " of %s #%llu", entry->type, (unsigned long long)entry->number);
    else if (entry->objects > 1)
        add(text, " of %zu objects of type %s", entry->objects, entry->type);
    if (entry->owner == HUSK_LEDGER_NAMED) {
        add(text, " by %s", entry->name);
    } else if (entry->owner == HUSK_LEDGER_SLOT) {
        add(text, ", ");
        add_holder(text, entry);
    }
    if (!entry->frames)
        add(text, ", place not known");
}

static void add_frame(struct text *text, const husk_place_frame *frame)
{
    const char *slash = strrchr(frame->file, '/'), *name = slash && slash[1] ? slash + 1 : frame->file;
    add(text, "\n    ");
    if (!frame->address) {
        add(text, "%s:%u", *frame->file ? frame->file : "<unknown>", frame->line);
        if (*frame->function)
            add(text, " in %s", frame->function);
        return;
    }
    if (*frame->function)
        add(text, "%s", frame->function);
    else
        add(text, "0x%llx", (unsigned long long)frame->address);
    if (*name)
        add(text, " (%s)", name);
}

size_t husk_ledger_list_text(const husk_ledger_list *list, size_t index, size_t frames, char *out,
                             size_t room)
{
    struct text text = { out, room, 0 };
    husk_ledger_entry entry;
    husk_place_frame frame;
    if (room)
        out[0] = 0;
    if (!husk_ledger_list_get(list, index, &entry))
        return 0;
    add_head(&text, &entry);
    for (size_t i = 0; i < frames && husk_ledger_list_frame(list, index, i, &frame); i++)
        add_frame(&text, &frame);
    return text.used;
}
