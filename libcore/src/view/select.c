/* view/select.c: filters bound to a snapshot: filter.h says how. */
#include "view/filter.h"

#include "view/glob.h"
#include "view/keys.h"

#include <stdio.h>
#include <string.h>

/* One condition being bound; the arrays serve all of them, one after the other. */
struct binding {
    const struct husk_snapshot *snapshot;
    const struct husk__condition *condition;
    struct husk__selection *out;
    size_t word;
    uint64_t bit;
    uint8_t *names;  /* by string: what is known of it; see remembered */
    uint8_t *frames; /* by frame: whether it matches */
    uint8_t *stacks; /* by traceback: whether some frame does */
};

static unsigned said_bit(unsigned said)
{
    return (unsigned)__builtin_ctz(said);
}

static bool text_matches(const struct binding *binding, unsigned said, const char *text, size_t length)
{
    const struct husk__condition *condition = binding->condition;
    const char *pattern = condition->texts[said_bit(said)].at;
    size_t pattern_length = condition->texts[said_bit(said)].length;
    return said == SAID_FILE ? husk__glob_file(pattern, pattern_length, text, length)
                             : husk__glob(pattern, pattern_length, text, length);
}

/* Whether a string matches the pattern; each is looked at once. Files and functions have two bits each. */
static bool remembered(const struct binding *binding, unsigned said, uint32_t string)
{
    unsigned shift = said == SAID_FILE ? 0 : 2;
    uint8_t *known = &binding->names[string];
    if (!(*known & 1u << shift)) {
        size_t length;
        const char *text = husk__snap_text(binding->snapshot, string, &length);
        *known |= (uint8_t)((text_matches(binding, said, text, length) ? 3u : 1u) << shift);
    }
    return *known & 2u << shift;
}

static bool matches(const struct binding *binding, unsigned said, uint32_t string)
{
    size_t length;
    const char *text = husk__snap_text(binding->snapshot, string, &length);
    return text_matches(binding, said, text, length);
}

static bool frame_matches(const struct binding *binding, const struct husk__frame *frame)
{
    const struct husk__condition *condition = binding->condition;
    if ((condition->said & SAID_LINE) && frame->line != condition->line)
        return false;
    if ((condition->said & SAID_FILE) &&
        !remembered(binding, SAID_FILE, husk__frame_file(binding->snapshot, frame)))
        return false;
    return !(condition->said & SAID_FUNCTION) || remembered(binding, SAID_FUNCTION, frame->function);
}

static void bind_frames(const struct binding *binding)
{
    const struct husk_snapshot *snapshot = binding->snapshot;
    memset(binding->names, 0, SNAP_COUNT(snapshot, STRING_OFF));
    for (size_t f = 0; f < SNAP_COUNT(snapshot, FRAMES); f++)
        binding->frames[f] = frame_matches(binding, &SNAP(snapshot, FRAMES)[f]);
    if (!(binding->condition->said & SAID_ALL))
        return;
    const struct husk__stack *stacks = SNAP(snapshot, STACKS);
    binding->stacks[0] = false;
    for (size_t s = 1; s < SNAP_COUNT(snapshot, STACKS); s++) /* parents have lower numbers */
        binding->stacks[s] = binding->stacks[stacks[s].parent] || binding->frames[stacks[s].frame];
}

/* Number 0, the empty traceback, is one of frame 0. */
static bool stack_matches(const struct binding *binding, uint32_t stack)
{
    if (stack && (binding->condition->said & SAID_ALL))
        return binding->stacks[stack];
    return binding->frames[stack ? SNAP(binding->snapshot, STACKS)[stack].frame : 0];
}

static bool thread_matches(const struct binding *binding, const struct husk__thread *thread)
{
    char number[24];
    int length = snprintf(number, sizeof number, "%llu", (unsigned long long)thread->id);
    return text_matches(binding, SAID_THREAD, number, (size_t)length) ||
           (thread->name && matches(binding, SAID_THREAD, thread->name));
}

static bool context_matches(const struct binding *binding, const struct husk__context *context)
{
    const struct husk__condition *condition = binding->condition;
    if ((condition->said & SAID_TAG) && !matches(binding, SAID_TAG, context->tag))
        return false;
    if (condition->said & SAID_DOMAIN) {
        size_t length;
        const char *text = husk__snap_text(binding->snapshot, context->domain, &length);
        unsigned t = said_bit(SAID_DOMAIN);
        if (length != condition->texts[t].length || memcmp(text, condition->texts[t].at, length) != 0)
            return false;
    }
    return !(condition->said & SAID_THREAD) ||
           thread_matches(binding, &SNAP(binding->snapshot, THREADS)[context->thread]);
}

static bool bind_records(struct husk__pool *pool, const struct binding *binding)
{
    const struct husk_snapshot *snapshot = binding->snapshot;
    const struct husk__selection *out = binding->out;
    unsigned said = binding->condition->said;
    size_t before = pool->count;
    if (said & SAID_OF_FRAMES)
        bind_frames(binding);
    bool *contexts = POOL_NEW(pool, bool, SNAP_COUNT(snapshot, CONTEXTS));
    if (!contexts)
        return false;
    for (size_t c = 0; c < SNAP_COUNT(snapshot, CONTEXTS); c++)
        contexts[c] = context_matches(binding, &SNAP(snapshot, CONTEXTS)[c]);
    const struct husk__record_row *records = SNAP(snapshot, RECORDS);
    for (size_t r = 0; r < SNAP_COUNT(snapshot, RECORDS); r++)
        if (contexts[records[r].context] &&
            (!(said & SAID_OF_FRAMES) || stack_matches(binding, records[r].stack)))
            out->records[r * out->words + binding->word] |= binding->bit;
    husk__pool_back(pool, before);
    return true;
}

static void bind_types(const struct binding *binding)
{
    const struct husk_snapshot *snapshot = binding->snapshot;
    const struct husk__selection *out = binding->out;
    const struct husk__condition *condition = binding->condition;
    size_t types = SNAP_COUNT(snapshot, TYPES);
    for (size_t t = 0; t < out->type_count; t++) {
        int kind = t < types ? HUSK_THING_OBJECT : t == types ? HUSK_THING_BUFFER : HUSK_THING_BLOCK;
        if ((condition->said & SAID_KIND) && kind != condition->kind)
            continue;
        if ((condition->said & SAID_TYPE) &&
            (t >= types || !matches(binding, SAID_TYPE, SNAP(snapshot, TYPES)[t].name)))
            continue;
        out->types[t * out->words + binding->word] |= binding->bit;
    }
}

/* Epochs, and behind them the one of what is not traced. */
static husk_status bind_epochs(const struct binding *binding)
{
    const struct husk_snapshot *snapshot = binding->snapshot;
    const struct husk__selection *out = binding->out;
    const struct husk__condition *condition = binding->condition;
    size_t epochs = SNAP_COUNT(snapshot, EPOCHS), first = 0, last = epochs + 1;
    if (condition->said & SAID_SINCE) {
        unsigned t = said_bit(SAID_SINCE);
        size_t length = condition->texts[t].length, found;
        for (found = epochs; found-- > 0;) {
            size_t have;
            const char *mark = husk__snap_text(snapshot, SNAP(snapshot, EPOCHS)[found].mark, &have);
            if (have == length && have && memcmp(mark, condition->texts[t].at, have) == 0)
                break;
        }
        if (found == SIZE_MAX)
            return husk_fail(HUSK_EMISSING, "the snapshot has no mark \"%.200s\"", condition->texts[t].at);
        first = found;
        last = epochs;
    }
    for (size_t e = first; e < last; e++)
        out->epochs[e * out->words + binding->word] |= binding->bit;
    return HUSK_OK;
}

static husk_status bind_condition(struct husk__pool *pool, struct binding *binding, size_t number)
{
    struct husk__selection *out = binding->out;
    const struct husk__condition *condition = binding->condition = &out->conditions[number];
    binding->word = number / 64;
    binding->bit = (uint64_t)1 << number % 64;
    if (!(condition->said & ~(unsigned)SAID_ALL))
        return husk_fail(HUSK_EINVAL, "filter %zu says nothing of what it %s", number + 1,
                         condition->inclusive ? "includes" : "excludes");
    uint64_t *masks = condition->inclusive ? out->inclusive : out->exclusive;
    masks[condition->list * out->words + binding->word] |= binding->bit;
    if (condition->said & SAID_MIN)
        out->minima[out->minimum_count++] = (uint32_t)number;
    if (condition->said & ~(unsigned)SAID_OF_PLACES)
        out->of_places = false;
    bind_types(binding);
    if (!bind_records(pool, binding))
        return husk_fail(HUSK_ENOMEM, "no memory for the filters");
    return bind_epochs(binding);
}

static bool passes(const struct husk__selection *selection, const uint64_t *mask)
{
    size_t words = selection->words;
    for (size_t l = 0; l < selection->lists; l++) {
        uint64_t wanted = 0, met = 0, refused = 0;
        for (size_t w = 0; w < words; w++) {
            wanted |= selection->inclusive[l * words + w];
            met |= selection->inclusive[l * words + w] & mask[w];
            refused |= selection->exclusive[l * words + w] & mask[w];
        }
        if (refused || (wanted && !met))
            return false;
    }
    return true;
}

bool husk__selected_slow(const struct husk__selection *selection, uint32_t site, size_t type, uint64_t size)
{
    size_t words = selection->words;
    uint64_t mask[FILTER_MOST / 64];
    size_t record = site & SITE_RECORD, epoch = selection->epoch_count;
    if (record && site >> SITE_EPOCH_SHIFT < epoch)
        epoch = site >> SITE_EPOCH_SHIFT;
    for (size_t w = 0; w < words; w++)
        mask[w] = selection->records[record * words + w] & selection->types[type * words + w] &
                  selection->epochs[epoch * words + w];
    for (size_t m = 0; m < selection->minimum_count; m++) {
        size_t number = selection->minima[m];
        if (size < selection->conditions[number].min)
            mask[number / 64] &= ~((uint64_t)1 << number % 64);
    }
    return passes(selection, mask);
}

husk_status husk__selection_make(struct husk__pool *pool, const struct husk_snapshot *snapshot,
                                 const husk_filter *filter, struct husk__selection *out)
{
    *out = (struct husk__selection){ .of_places = true,
                                     .type_count = SNAP_COUNT(snapshot, TYPES) + 2,
                                     .epoch_count = SNAP_COUNT(snapshot, EPOCHS) };
    if (!filter || !filter->count)
        return HUSK_OK;
    size_t records = SNAP_COUNT(snapshot, RECORDS);
    out->words = (filter->count + 63) / 64;
    out->lists = filter->conditions[filter->count - 1].list + 1;
    out->conditions = filter->conditions;
    bool ok = (out->records = POOL_NEW(pool, uint64_t, out->words * records)) &&
              (out->types = POOL_NEW(pool, uint64_t, out->words * out->type_count)) &&
              (out->epochs = POOL_NEW(pool, uint64_t, out->words * (out->epoch_count + 1))) &&
              (out->inclusive = POOL_NEW(pool, uint64_t, out->words * out->lists)) &&
              (out->exclusive = POOL_NEW(pool, uint64_t, out->words * out->lists)) &&
              (out->minima = POOL_NEW(pool, uint32_t, filter->count)) &&
              (out->passes = POOL_NEW(pool, bool, records));
    size_t before = pool->count;
    struct binding binding = { .snapshot = snapshot, .out = out };
    ok = ok && (binding.names = POOL_NEW(pool, uint8_t, SNAP_COUNT(snapshot, STRING_OFF))) &&
         (binding.frames = POOL_NEW(pool, uint8_t, SNAP_COUNT(snapshot, FRAMES))) &&
         (binding.stacks = POOL_NEW(pool, uint8_t, SNAP_COUNT(snapshot, STACKS)));
    if (!ok)
        return husk_fail(HUSK_ENOMEM, "no memory for the filters");
    for (size_t i = 0; i < filter->count; i++) {
        husk_status status = bind_condition(pool, &binding, i);
        if (status != HUSK_OK)
            return status;
    }
    for (size_t r = 0; out->of_places && r < records; r++)
        out->passes[r] = passes(out, &out->records[r * out->words]);
    husk__pool_back(pool, before);
    return HUSK_OK;
}
