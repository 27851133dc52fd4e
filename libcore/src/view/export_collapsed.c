/* view/export_collapsed.c: "main (main.c:10);load (main.c:20) 4096": a traceback, oldest frame first, and a number a
 * line: what flame graph programs read. A semicolon in a name becomes a colon, since it would part frames. */
#include "view/export.h"

static const struct husk__escape escape = {
    .of = { [';'] = ":" }, .control = "\\x", .odd = "\\x", .html = false
};

static void put_line(struct husk__export *export, struct husk__frames *frames, uint32_t stack, uint32_t type,
                     uint64_t value)
{
    if (!value || export->out->refused)
        return;
    husk__frames_get(frames, export->snapshot, stack);
    for (size_t i = 0; i < frames->count; i++) {
        struct husk__place place = husk__place_of(export->snapshot, frames->at[i]);
        if (i)
            husk__out_char(export->out, ';');
        husk__out_place(export->out, &escape, &place);
    }
    if (type != UINT32_MAX) {
        size_t length;
        const char *name = husk__alive_type(export->snapshot, type, &length);
        husk__out_char(export->out, ';');
        husk__out_escaped(export->out, &escape, name, length);
    }
    husk__out_char(export->out, ' ');
    husk__out_u64(export->out, value);
    husk__out_char(export->out, '\n');
}

static bool put_made(struct husk__export *export, struct husk__pool *pool, struct husk__frames *frames,
                     bool counts)
{
    uint64_t *count, *bytes;
    if (!husk__made_by_stack(export->snapshot, pool, &count, &bytes))
        return false;
    for (size_t s = 0; s < SNAP_COUNT(export->snapshot, STACKS); s++)
        put_line(export, frames, (uint32_t)s, UINT32_MAX, (counts ? count : bytes)[s]);
    return true;
}

static husk_status put_alive(struct husk__export *export, struct husk__frames *frames, bool counts)
{
    bool types = export->options->flags & HUSK_EXPORT_TYPES;
    struct husk__alive alive;
    husk_status status = husk__alive_make(export->snapshot, ALIVE_STACKS | (types ? 0 : ALIVE_MERGED),
                                          export->options->filter, &alive);
    for (size_t i = 0; i < alive.count; i++) {
        const struct husk__alive_row *row = &alive.rows[i];
        put_line(export, frames, row->place, types ? row->type : UINT32_MAX,
                 counts ? row->count : row->bytes);
    }
    husk__alive_free(&alive);
    return status;
}

husk_status husk__export_collapsed(struct husk__export *export)
{
    struct husk__pool pool = { .count = 0 };
    struct husk__frames frames = husk__frames_new(&pool, export->snapshot);
    bool counts = export->options->flags & HUSK_EXPORT_COUNT;
    husk_status status = HUSK_OK;
    if (!frames.at ||
        (export->options->flags & HUSK_EXPORT_MADE && !put_made(export, &pool, &frames, counts)))
        status = husk__export_no_memory();
    else if (!(export->options->flags & HUSK_EXPORT_MADE))
        status = put_alive(export, &frames, counts);
    husk__pool_free(&pool);
    return status;
}
