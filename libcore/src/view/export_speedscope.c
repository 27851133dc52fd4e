/* view/export_speedscope.c: the file of speedscope.app: frames once, then profiles of samples that name them, oldest
 * first, with weights. Alive by bytes and by number; if anything was traced, the same of all that was made. */
#include "view/export.h"

struct profile {
    const char *name, *unit;
    const struct husk__alive *alive; /* NULL: made, of these: */
    const uint64_t *made;
    bool bytes;
};

static void put_frames(struct husk__export *export, struct husk__json *json, bool types)
{
    const struct husk_snapshot *snapshot = export->snapshot;
    for (size_t f = 0; f < SNAP_COUNT(snapshot, FRAMES); f++) {
        struct husk__place place = husk__place_of(snapshot, (uint32_t)f);
        husk__json_line(json);
        husk__json_open(json, '{');
        husk__json_key(json, "name");
        husk__json_open(json, '"');
        husk__out_place_name(export->out, &husk__json_escape, &place);
        husk__json_close(json, '"');
        if (place.file_length) {
            husk__json_key(json, "file");
            husk__json_string(json, place.file, place.file_length);
        }
        if (place.line) {
            husk__json_key(json, "line");
            husk__json_u64(json, place.line);
        }
        husk__json_close(json, '}');
    }
    for (uint32_t t = 0; types && t <= husk__alive_block(snapshot); t++) {
        size_t length;
        const char *name = husk__alive_type(snapshot, t, &length);
        husk__json_line(json);
        husk__json_open(json, '{');
        husk__json_key(json, "name");
        husk__json_string(json, name, length);
        husk__json_close(json, '}');
    }
}

static size_t rows_of(const struct husk__export *export, const struct profile *profile)
{
    return profile->alive ? profile->alive->count : SNAP_COUNT(export->snapshot, STACKS);
}

static uint64_t weight_of(const struct profile *profile, size_t row)
{
    if (!profile->alive)
        return profile->made[row];
    return profile->bytes ? profile->alive->rows[row].bytes : profile->alive->rows[row].count;
}

static void put_profile(struct husk__export *export, struct husk__json *json, struct husk__frames *frames,
                        const struct profile *profile, bool types)
{
    uint64_t sum = 0;
    for (size_t r = 0; r < rows_of(export, profile); r++)
        sum += weight_of(profile, r);
    husk__json_line(json);
    husk__json_open(json, '{');
    husk__json_key(json, "type");
    husk__json_text(json, "sampled");
    husk__json_key(json, "name");
    husk__json_text(json, profile->name);
    husk__json_key(json, "unit");
    husk__json_text(json, profile->unit);
    husk__json_key(json, "startValue");
    husk__json_u64(json, 0);
    husk__json_key(json, "endValue");
    husk__json_number(json, sum);
    husk__json_key(json, "samples");
    husk__json_open(json, '[');
    for (size_t r = 0; r < rows_of(export, profile) && !export->out->refused; r++) {
        if (!weight_of(profile, r))
            continue;
        husk__frames_get(frames, export->snapshot,
                         profile->alive ? profile->alive->rows[r].place : (uint32_t)r);
        husk__json_line(json);
        husk__json_open(json, '[');
        for (size_t i = 0; i < frames->count; i++)
            husk__json_u64(json, frames->at[i]);
        if (types && profile->alive)
            husk__json_u64(json, SNAP_COUNT(export->snapshot, FRAMES) + profile->alive->rows[r].type);
        husk__json_close(json, ']');
    }
    husk__json_close(json, ']');
    husk__json_key(json, "weights");
    husk__json_open(json, '[');
    for (size_t r = 0; r < rows_of(export, profile) && !export->out->refused; r++)
        if (weight_of(profile, r))
            husk__json_number(json, weight_of(profile, r));
    husk__json_close(json, ']');
    husk__json_close(json, '}');
}

static void put_file(struct husk__export *export, struct husk__frames *frames, const struct profile *profiles,
                     size_t count)
{
    bool types = export->options->flags & HUSK_EXPORT_TYPES;
    struct husk__json json;
    husk__json_begin(&json, export->out);
    husk__json_open(&json, '{');
    husk__json_key(&json, "$schema");
    husk__json_text(&json, "https://www.speedscope.app/file-format-schema.json");
    husk__json_key(&json, "exporter");
    husk__json_open(&json, '"');
    husk__out_format(export->out, "husk %s", husk_version());
    husk__json_close(&json, '"');
    husk__json_key(&json, "name");
    husk__json_text(&json, export->options->title ? export->options->title : "husk snapshot");
    husk__json_key(&json, "activeProfileIndex");
    husk__json_u64(&json, 0);
    husk__json_key(&json, "shared");
    husk__json_open(&json, '{');
    husk__json_key(&json, "frames");
    husk__json_open(&json, '[');
    put_frames(export, &json, types);
    husk__json_close(&json, ']');
    husk__json_close(&json, '}');
    husk__json_key(&json, "profiles");
    husk__json_open(&json, '[');
    for (size_t p = 0; p < count; p++)
        put_profile(export, &json, frames, &profiles[p], types);
    husk__json_close(&json, ']');
    husk__json_close(&json, '}');
    husk__out_char(export->out, '\n');
}

husk_status husk__export_speedscope(struct husk__export *export)
{
    unsigned how = ALIVE_STACKS | (export->options->flags & HUSK_EXPORT_TYPES ? 0 : ALIVE_MERGED);
    struct husk__pool pool = { .count = 0 };
    struct husk__frames frames = husk__frames_new(&pool, export->snapshot);
    struct husk__alive alive = { 0 };
    uint64_t *count, *bytes;
    const husk_filter *filter = export->options->filter;
    husk_status status = frames.at && husk__made_by_stack(export->snapshot, &pool, &count, &bytes)
                             ? husk__alive_make(export->snapshot, how, filter, &alive)
                             : husk__export_no_memory();
    if (status == HUSK_OK) {
        const struct profile profiles[] = {
            { "alive, bytes", "bytes", &alive, NULL, true },
            { "alive, things", "none", &alive, NULL, false },
            { "made while tracing, bytes", "bytes", NULL, bytes, true },
            { "made while tracing, things", "none", NULL, count, false },
        };
        bool traced = false;
        for (size_t s = 0; s < SNAP_COUNT(export->snapshot, STACKS); s++)
            traced =
                traced || (count[s] && !filter); /* what is gone passes no filter: nothing is known of it */
        put_file(export, &frames, profiles, traced ? 4 : 2);
    }
    husk__alive_free(&alive);
    husk__pool_free(&pool);
    return status;
}
