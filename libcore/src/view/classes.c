/* view/classes.c: how a heap's memory is used, by size class and by type (husk/classes.h). Everything is
 * counted by a walk when it is asked for: births and deaths keep no books for it. */
#include "base/memory.h"
#include "view/cut.h"
#include "view/system.h"
#include "view/usage.h"

#include <husk/classes.h>
#include <husk/stats.h>
#include <stdio.h>

/* Untracked classes, tracked ones, large objects of both kinds. */
enum { LARGE = 2 * HUSK__CLASSES, CLASS_COUNT = LARGE + 2 };

size_t husk_heap_class_count(const husk_heap *heap)
{
    (void)heap;
    return CLASS_COUNT;
}

static size_t class_of_page(const struct husk__page *page)
{
    return page->state == HUSK__PAGE_RUN ? LARGE + (page->tracked ? 1u : 0u) : page->bin;
}

static husk_class class_of(size_t index, const struct husk__usage *usage)
{
    bool large = index >= LARGE;
    return (husk_class){
        .block_bytes = large ? 0 : husk__class_bytes[index % HUSK__CLASSES],
        .tracked = large ? index > LARGE : index >= HUSK__CLASSES,
        .pages = usage->held_bytes / HUSK__PAGE,
        .used = usage->live + usage->dying,
        .free = usage->free,
        .untouched = usage->untouched,
        .used_bytes = usage->live_bytes + usage->dying_bytes,
        .asked_bytes =
            usage->asked_bytes + usage->dying_bytes, /* what ends soon has no slack worth knowing */
        .held_bytes = usage->held_bytes,
    };
}

bool husk_heap_class_get(const husk_heap *heap, size_t index, husk_class *out)
{
    if (index >= CLASS_COUNT)
        return false;
    struct husk__usage usage = { 0 };
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));)
        if (class_of_page(page) == index)
            husk__usage_add(&usage, page);
    *out = class_of(index, &usage);
    return true;
}

/* All classes by one walk. */
static void all_classes(const husk_heap *heap, struct husk__usage usages[CLASS_COUNT])
{
    memset(usages, 0, CLASS_COUNT * sizeof *usages);
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));)
        husk__usage_add(&usages[class_of_page(page)], page);
}

bool husk__take_classes(struct husk_snapshot *snapshot, const husk_heap *heap)
{
    struct husk__usage usages[CLASS_COUNT] = { 0 };
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));)
        husk__usage_add_held(&usages[class_of_page(page)], page, &heap->store);
    for (size_t c = 0; c < CLASS_COUNT; c++) {
        if (!usages[c].held_bytes)
            continue;
        struct husk__class_row *row = SNAP_ADD(snapshot, CLASSES);
        if (!row)
            return false;
        husk_class class = class_of(c, &usages[c]);
        *row = (struct husk__class_row){
            .block_bytes = (uint32_t) class.block_bytes,
            .tracked = class.tracked,
            .pages = class.pages,
            .used = class.used,
            .free = class.free,
            .untouched = class.untouched,
            .used_bytes = class.used_bytes,
        };
    }
    return true;
}

/* ---- text ---- */

static void write_row(struct husk__out *out, const char *name, const husk_class *class)
{
    double held = (double)class->held_bytes, used = (double)class->used_bytes;
    char text[32];
    (void)husk_size_text(held, false, text, sizeof text);
    husk__out_format(out, "%8s %7s %7zu %9zu %9zu %9zu %11s %6.1f %6.1f\n", name,
                     class->tracked ? "yes" : "no", class->pages, class->used, class->free, class->untouched,
                     text, held > 0 ? used * 100 / held : 0.0,
                     used > 0 ? (used - (double)class->asked_bytes) * 100 / used : 0.0);
}

size_t husk_heap_classes_text(const husk_heap *heap, char *buffer, size_t room)
{
    struct husk__usage usages[CLASS_COUNT];
    struct husk__cut cut = { buffer, room, 0 };
    struct husk__out out;
    husk_class sum = { 0 };
    all_classes(heap, usages);
    husk__out_begin(&out, husk__cut_write, &cut);
    husk__out_format(&out, "%8s %7s %7s %9s %9s %9s %11s %6s %6s\n", "block", "tracked", "pages", "used",
                     "free", "untouched", "held", "% used", "% slack");
    for (size_t c = 0; c < CLASS_COUNT; c++) {
        if (!usages[c].held_bytes)
            continue;
        husk_class class = class_of(c, &usages[c]);
        char name[24];
        if (class.block_bytes)
            (void)snprintf(name, sizeof name, "%zu", class.block_bytes);
        write_row(&out, class.block_bytes ? name : "large", &class);
        sum.pages += class.pages;
        sum.used += class.used;
        sum.free += class.free;
        sum.untouched += class.untouched;
        sum.used_bytes += class.used_bytes;
        sum.asked_bytes += class.asked_bytes;
        sum.held_bytes += class.held_bytes;
    }
    husk__out_format(&out, "\nObjects: %zu in %zu bytes; asked for: %zu; slack: %zu\n", sum.used,
                     sum.used_bytes, sum.asked_bytes, sum.used_bytes - sum.asked_bytes);
    husk__out_format(&out, "Pages: %zu bytes in %zu pages of 64 KiB, %.1f %% used\n", sum.held_bytes,
                     sum.pages, sum.held_bytes ? (double)sum.used_bytes * 100 / (double)sum.held_bytes : 0.0);
    husk__out_format(&out, "Spare: %zu pages; metadata and tables: %zu bytes\n", heap->store.pages_spare,
                     heap->store.bytes_taken - sum.held_bytes - heap->store.pages_spare * HUSK__PAGE -
                         heap->store.raw_bytes);
    (void)husk__out_end(&out);
    return husk__cut_end(&cut);
}

/* ---- types ---- */

size_t husk_heap_count_type(const husk_heap *heap, const husk_type *type, size_t *bytes)
{
    size_t count = 0, sum = 0;
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));) {
        size_t here = 0;
        for (HUSK__EACH_BLOCK(page, obj))
            here += (obj->tf & TF_TYPE) == type->id && !husk__is_dying(obj);
        count += here;
        sum += here * husk__block_bytes(page);
    }
    if (bytes)
        *bytes = sum;
    return count;
}

struct type_sum {
    size_t count, bytes;
};

/* Room for one more id; NULL: no memory. */
static struct type_sum *sum_of(struct type_sum **sums, size_t *room, uint32_t id)
{
    if (UNLIKELY(id >= *room)) {
        size_t more = *room ? *room * 2 : 64;
        while (more <= id)
            more *= 2;
        struct type_sum *larger = husk__raw_resize(*sums, *room * sizeof *larger, more * sizeof *larger);
        if (!larger)
            return NULL;
        *sums = larger;
        *room = more;
    }
    return &(*sums)[id];
}

static bool count_types(const husk_heap *heap, struct type_sum **sums, size_t *room)
{
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));) {
        size_t block = husk__block_bytes(page);
        for (HUSK__EACH_BLOCK(page, obj)) {
            if (!husk__is_object(obj) || husk__is_dying(obj))
                continue;
            struct type_sum *sum = sum_of(sums, room, obj->tf & TF_TYPE);
            if (!sum)
                return false;
            sum->count++;
            sum->bytes += block;
        }
    }
    return true;
}

husk_status husk_heap_each_type(husk_heap *heap, husk_type_fn *fn, void *data)
{
    struct type_sum *sums = NULL;
    size_t room = 0;
    bool counted = count_types(heap, &sums, &room), more = true;
    for (size_t id = 1; counted && more && id < room; id++)
        if (sums[id].count)
            more = fn(husk__types[id], sums[id].count, sums[id].bytes, data);
    husk__raw_free(sums, room * sizeof *sums);
    return counted ? HUSK_OK
                   : husk_heap_fail(heap, HUSK_ENOMEM, "counting by type: %s", husk_status_text(HUSK_ENOMEM));
}
