/* trace/site.c: see site.h. Open addressing over numbers; rows in arrays that grow. One mutex: whoever meets a
 * place for the first time comes here, everybody else finds it in a cache of his own (trace/record.c). */
#include "trace/site.h"

#include "base/grow.h"
#include "base/memory.h"
#include "trace/mix.h"

#include <pthread.h>
#include <string.h>

/* Numbers by hash: 0 is free. The rows are elsewhere; which one is meant, the caller compares. */
struct index {
    uint32_t *slots;
    size_t room, used;
};

static struct {
    pthread_mutex_t lock;
    size_t holders;
    uint64_t round; /* changes only while nobody holds them */
    struct husk__grow frames, stacks, texts;
    struct husk__grow text_at; /* uint64_t: offset in texts of each text */
    struct index frame_index, stack_index, text_index;
} sites = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct text_row { /* before its bytes */
    uint32_t hash, length;
};

static void index_free(struct index *index)
{
    husk__raw_free(index->slots, index->room * sizeof *index->slots);
    *index = (struct index){ 0 };
}

static void index_put(uint32_t *slots, size_t room, uint64_t hash, uint32_t number)
{
    size_t at = hash & (room - 1);
    while (slots[at])
        at = (at + 1) & (room - 1);
    slots[at] = number;
}

typedef uint64_t hash_fn(uint32_t number);

/* Room for one more at a load of one half. */
static bool index_room(struct index *index, hash_fn *hash_of, uint32_t count)
{
    if (index->room >= (index->used + 1) * 2)
        return true;
    size_t room = index->room ? index->room * 2 : 256;
    uint32_t *slots = husk__raw_new(room * sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t n = 1; n <= count; n++)
        index_put(slots, room, hash_of(n), n);
    husk__raw_free(index->slots, index->room * sizeof *slots);
    index->slots = slots;
    index->room = room;
    return true;
}

#define ROWS(grow, type) ((type *)(void *)(grow).at)
#define COUNT(grow, type) ((uint32_t)((grow).used / sizeof(type)))

/* ---- holding ---- */

void husk__sites_lock(void)
{
    pthread_mutex_lock(&sites.lock);
}

void husk__sites_unlock(void)
{
    pthread_mutex_unlock(&sites.lock);
}

void husk__sites_hold(void)
{
    husk__sites_lock();
    sites.holders++;
    husk__sites_unlock();
}

void husk__sites_drop(void)
{
    husk__sites_lock();
    if (--sites.holders == 0) {
        sites.round++;
        husk__grow_free(&sites.frames);
        husk__grow_free(&sites.stacks);
        husk__grow_free(&sites.texts);
        husk__grow_free(&sites.text_at);
        index_free(&sites.frame_index);
        index_free(&sites.stack_index);
        index_free(&sites.text_index);
    }
    husk__sites_unlock();
}

uint64_t husk__sites_round(void)
{
    return sites.round;
}

size_t husk__sites_bytes(void)
{
    return sites.frames.committed + sites.stacks.committed + sites.texts.committed + sites.text_at.committed +
           (sites.frame_index.room + sites.stack_index.room + sites.text_index.room) * sizeof(uint32_t);
}

/* ---- texts ---- */

static const struct text_row *text_row(uint32_t number)
{
    return (const struct text_row *)(const void *)(sites.texts.at +
                                                   ROWS(sites.text_at, uint64_t)[number - 1]);
}

static uint64_t text_hash(uint32_t number)
{
    return text_row(number)->hash;
}

/* Texts must not move, since they are known by address: a block of the table that is full is kept, and the bytes
 * of a text never straddle a move. husk__grow moves only when its reservation is used up; a text that would make
 * it do so is refused. */
static const char *text_new(uint32_t hash, const char *bytes, size_t length)
{
    size_t need = (sizeof(struct text_row) + length + 1 + 7) & ~(size_t)7;
    if (sites.texts.at && need > sites.texts.reserved - sites.texts.used)
        return NULL;
    uint64_t *at = husk__grow_add(&sites.text_at, sizeof *at);
    struct text_row *row = at ? husk__grow_add(&sites.texts, need) : NULL;
    if (!row) {
        if (at)
            sites.text_at.used -= sizeof *at;
        return NULL;
    }
    *at = (uint64_t)((char *)row - sites.texts.at);
    *row = (struct text_row){ hash, (uint32_t)length };
    memcpy(row + 1, bytes, length);
    ((char *)(row + 1))[length] = 0;
    return (const char *)(row + 1);
}

const char *husk__site_text(const char *bytes, size_t length)
{
    if (length == 0)
        return "";
    if (length > TRACE_TEXT_MOST)
        length = TRACE_TEXT_MOST;
    uint32_t hash = (uint32_t)husk__mix_bytes(bytes, length);
    struct index *index = &sites.text_index;
    if (!index_room(index, text_hash, COUNT(sites.text_at, uint64_t)))
        return NULL;
    for (size_t at = hash & (index->room - 1); index->slots[at]; at = (at + 1) & (index->room - 1)) {
        const struct text_row *row = text_row(index->slots[at]);
        if (row->hash == hash && row->length == length && memcmp(row + 1, bytes, length) == 0)
            return (const char *)(row + 1);
    }
    const char *text = text_new(hash, bytes, length);
    if (text) {
        index_put(index->slots, index->room, hash, COUNT(sites.text_at, uint64_t));
        index->used++;
    }
    return text;
}

/* ---- frames ---- */

static uint64_t hash_frame(const struct husk__site_frame *frame)
{
    uint64_t hash = husk__mix(frame->address, (uint64_t)frame->line << 2 | frame->kind);
    return husk__mix(hash, (uintptr_t)frame->file ^ (uint64_t)(uintptr_t)frame->function << 16);
}

static uint64_t frame_hash(uint32_t number)
{
    return hash_frame(husk__site_frame_at(number));
}

const struct husk__site_frame *husk__site_frame_at(uint32_t frame)
{
    static const struct husk__site_frame unknown = { "<unknown>", "", 0, SITE_EXPLICIT, 0 };
    return frame ? &ROWS(sites.frames, const struct husk__site_frame)[frame - 1] : &unknown;
}

uint32_t husk__site_frame(const struct husk__site_frame *frame)
{
    struct index *index = &sites.frame_index;
    uint32_t count = COUNT(sites.frames, struct husk__site_frame);
    if (!index_room(index, frame_hash, count))
        return 0;
    uint64_t hash = hash_frame(frame);
    for (size_t at = hash & (index->room - 1); index->slots[at]; at = (at + 1) & (index->room - 1)) {
        const struct husk__site_frame *have = husk__site_frame_at(index->slots[at]);
        if (have->address == frame->address && have->line == frame->line && have->kind == frame->kind &&
            have->file == frame->file && have->function == frame->function)
            return index->slots[at];
    }
    struct husk__site_frame *row = count < SITE_MOST ? husk__grow_add(&sites.frames, sizeof *row) : NULL;
    if (!row)
        return 0;
    *row = *frame;
    index_put(index->slots, index->room, hash, count + 1);
    index->used++;
    return count + 1;
}

/* ---- tracebacks ---- */

static uint64_t stack_hash(uint32_t number)
{
    const struct husk__site_stack *stack = husk__site_stack_at(number);
    return husk__mix(stack->parent, stack->frame);
}

const struct husk__site_stack *husk__site_stack_at(uint32_t stack)
{
    static const struct husk__site_stack empty;
    return stack ? &ROWS(sites.stacks, const struct husk__site_stack)[stack - 1] : &empty;
}

uint32_t husk__site_stack(uint32_t parent, uint32_t frame)
{
    struct index *index = &sites.stack_index;
    uint32_t count = COUNT(sites.stacks, struct husk__site_stack);
    if (!index_room(index, stack_hash, count))
        return 0;
    uint64_t hash = husk__mix(parent, frame);
    for (size_t at = hash & (index->room - 1); index->slots[at]; at = (at + 1) & (index->room - 1)) {
        const struct husk__site_stack *have = husk__site_stack_at(index->slots[at]);
        if (have->parent == parent && have->frame == frame)
            return index->slots[at];
    }
    struct husk__site_stack *row = count < SITE_MOST ? husk__grow_add(&sites.stacks, sizeof *row) : NULL;
    if (!row)
        return 0;
    *row = (struct husk__site_stack){ parent, frame, husk__site_stack_at(parent)->depth + 1 };
    index_put(index->slots, index->room, hash, count + 1);
    index->used++;
    return count + 1;
}
