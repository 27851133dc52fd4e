/* view/export.c: the doors of exports: the table of forms, a form by name, into a writer or a file. Each form is
 * export_<form>.c. */
#include "view/export.h"

#include <string.h>

/* clang-format off */
static const struct form {
    const char *name, *suffix, *about;
    husk__export_fn *fn;
    bool sums; /* of things, so that some may be left out */
} forms[] = {
    { "text",         "txt",             "tables to read: what there is, the largest of it, the collector",  husk__export_text, false },
    { "json",         "json",            "everything in the snapshot, as docs/exports.md says",              husk__export_json, false },
    { "csv",          "csv",             "the rows of a grouping, for spreadsheets",                         husk__export_csv, true },
    { "collapsed",    "folded",          "a traceback and a number a line, for flame graphs",                husk__export_collapsed, true },
    { "pprof",        "pb",              "a heap profile for go tool pprof and its relatives",               husk__export_pprof, true },
    { "heapsnapshot", "heapsnapshot",    "objects and references, for Chrome's memory panel and memlab",     husk__export_heapsnapshot, false },
    { "speedscope",   "speedscope.json", "tracebacks by bytes and by number, for speedscope",                husk__export_speedscope, true },
    { "dot",          "dot",             "objects and references as a graph, for Graphviz",                  husk__export_dot, false },
    { "openmetrics",  "prom",            "figures for Prometheus and its relatives",                         husk__export_openmetrics, false },
    { "html",         "html",            "one page with flame graph and tables, for any browser",            husk__export_html, false },
};
/* clang-format on */
enum { FORMS = sizeof forms / sizeof *forms };

static const struct form *find(const char *name)
{
    for (size_t i = 0; name && i < FORMS; i++)
        if (strcmp(forms[i].name, name) == 0)
            return &forms[i];
    return NULL;
}

const char *husk_export_format(size_t index)
{
    return index < FORMS ? forms[index].name : NULL;
}

const char *husk_export_suffix(const char *format)
{
    const struct form *form = find(format);
    return form ? form->suffix : NULL;
}

const char *husk_export_about(const char *format)
{
    const struct form *form = find(format);
    return form ? form->about : NULL;
}

const char *husk_export_guess(const char *path)
{
    const struct form *best = NULL;
    size_t length = strlen(path), best_length = 0;
    for (size_t i = 0; i < FORMS; i++) {
        size_t n = strlen(forms[i].suffix);
        if (n > best_length && length > n + 1 && path[length - n - 1] == '.' &&
            strcmp(path + length - n, forms[i].suffix) == 0) {
            best = &forms[i];
            best_length = n;
        }
    }
    return best ? best->name : NULL;
}

husk_status husk__export_no_memory(void)
{
    return husk_fail(HUSK_ENOMEM, "export: %s", husk_status_text(HUSK_ENOMEM));
}

/* Everything but the writer's refusal, of which *refused_at tells. */
static husk_status prepare(const char *format, const husk_export_options *options, const struct form **form)
{
    *form = find(format);
    if (!*form)
        return husk_fail(HUSK_EMISSING, "export: there is no form \"%s\"", format ? format : "(null)");
    if (options && (options->struct_size != sizeof *options || options->abi != 1u))
        return husk_fail(HUSK_EINVAL, "export: the options were not filled by HUSK_EXPORT_OPTIONS");
    if (options && options->flags & ~(uint32_t)(HUSK_EXPORT_TYPES | HUSK_EXPORT_COUNT | HUSK_EXPORT_MADE))
        return husk_fail(HUSK_EINVAL, "export: unknown flags 0x%x", options->flags);
    if (options && options->filter && !(*form)->sums)
        return husk_fail(HUSK_EINVAL, "export: the form \"%s\" shows the whole snapshot: it takes no filter",
                         format);
    if (options && options->filter && options->flags & HUSK_EXPORT_MADE)
        return husk_fail(HUSK_EINVAL,
                         "export: what has been made is known by places alone: it takes no filter");
    return HUSK_OK;
}

/* A writer with somebody who wants to know how far it is. */
struct told {
    husk_write_fn *write;
    void *data;
    const husk_export_options *options;
    uint64_t bytes, next; /* handed on; when to tell */
};

enum { TELL_EVERY = 1 << 20 };

static bool write_and_tell(const void *bytes, size_t length, void *data)
{
    struct told *told = data;
    if (!told->write(bytes, length, told->data))
        return false;
    told->bytes += length;
    if (told->bytes >= told->next) {
        told->next = told->bytes + TELL_EVERY;
        told->options->progress(told->bytes, told->options->progress_data);
    }
    return true;
}

/* HUSK_EIO without a text of its own: the writer refused. */
static husk_status run(const husk_snapshot *snapshot, const struct form *form,
                       const husk_export_options *options, husk_write_fn *write, void *data, uint64_t *handed)
{
    static const husk_export_options none = { HUSK_EXPORT_OPTIONS };
    struct husk__out out;
    struct told told = { write, data, options, 0, TELL_EVERY };
    if (options && options->progress)
        husk__out_begin(&out, write_and_tell, &told);
    else
        husk__out_begin(&out, write, data);
    struct husk__export export = { snapshot, options ? options : &none, &out };
    husk_status status = form->fn(&export);
    if (status == HUSK_OK && !husk__out_end(&out))
        status = HUSK_EIO;
    *handed = out.handed;
    return status;
}

husk_status husk_export(const husk_snapshot *snapshot, const char *format, const husk_export_options *options,
                        husk_write_fn *write, void *data)
{
    const struct form *form;
    husk_status status = prepare(format, options, &form);
    uint64_t handed = 0;
    if (status == HUSK_OK)
        status = run(snapshot, form, options, write, data, &handed);
    if (status == HUSK_EIO)
        husk_fail(HUSK_EIO, "export: the writer refused after %llu bytes", (unsigned long long)handed);
    return status;
}

bool husk__file_write(const void *bytes, size_t length, void *data)
{
    struct husk__file_writer *writer = data;
    writer->status = husk__newfile_write(&writer->file, bytes, length);
    return writer->status == HUSK_OK;
}

husk_status husk_export_file(const husk_snapshot *snapshot, const char *format,
                             const husk_export_options *options, const char *path)
{
    const struct form *form;
    struct husk__file_writer writer;
    husk_status status = prepare(format, options, &form);
    if (status == HUSK_OK)
        status = husk__newfile_open(&writer.file, path);
    if (status != HUSK_OK)
        return status;
    uint64_t handed;
    status = run(snapshot, form, options, husk__file_write, &writer, &handed); /* its text is the file's */
    return husk__newfile_commit(&writer.file, status);
}

/* ---- names ---- */

const struct husk__escape husk__plain_escape = { .of = { 0 }, .control = "\\x", .odd = "\\x", .html = false };

struct husk__place husk__place_of(const struct husk_snapshot *snapshot, uint32_t number)
{
    const struct husk__frame *frame = &SNAP(snapshot, FRAMES)[number];
    struct husk__place place = { .line = frame->line };
    place.name = husk__snap_text(snapshot, frame->function, &place.name_length);
    place.file = husk__snap_text(snapshot, frame->file, &place.file_length);
    if (frame->kind == FRAME_NATIVE && !place.file_length) {
        const struct husk__module *module = &SNAP(snapshot, MODULES)[frame->module];
        place.file = husk__snap_text(snapshot, module->path, &place.file_length);
        if (!place.name_length) {
            place.has_address = true;
            place.address = frame->module ? frame->address - module->start + module->offset : frame->address;
        }
    }
    if (!place.name_length) {
        place.name = place.file;
        place.name_length = place.file_length;
        for (size_t i = 0; i < place.file_length; i++)
            if (place.file[i] == '/') {
                place.name = place.file + i + 1;
                place.name_length = place.file_length - i - 1;
            }
    }
    return place;
}

void husk__out_place_name(struct husk__out *out, const struct husk__escape *escape,
                          const struct husk__place *place)
{
    husk__out_escaped(out, escape, place->name, place->name_length);
    if (place->has_address) {
        if (place->name_length)
            husk__out_char(out, '+');
        husk__out_hex(out, place->address);
    }
}

void husk__out_place(struct husk__out *out, const struct husk__escape *escape,
                     const struct husk__place *place)
{
    husk__out_place_name(out, escape, place);
    if (!place->file_length || (place->file == place->name && !place->line))
        return;
    husk__out_text(out, " (");
    husk__out_escaped(out, escape, place->file, place->file_length);
    if (place->line) {
        husk__out_char(out, ':');
        husk__out_u64(out, place->line);
    }
    husk__out_char(out, ')');
}

void husk__out_string(struct husk__out *out, const struct husk__escape *escape,
                      const struct husk_snapshot *snapshot, uint32_t string)
{
    size_t length;
    const char *text = husk__snap_text(snapshot, string, &length);
    husk__out_escaped(out, escape, text, length);
}

void husk__json_snap(struct husk__json *json, const struct husk_snapshot *snapshot, uint32_t string)
{
    size_t length;
    const char *text = husk__snap_text(snapshot, string, &length);
    husk__json_string(json, text, length);
}

/* ---- tracebacks ---- */

struct husk__frames husk__frames_new(struct husk__pool *pool, const struct husk_snapshot *snapshot)
{
    uint32_t deepest = 0;
    for (size_t s = 0; s < SNAP_COUNT(snapshot, STACKS); s++)
        if (SNAP(snapshot, STACKS)[s].depth > deepest)
            deepest = SNAP(snapshot, STACKS)[s].depth;
    return (struct husk__frames){ POOL_NEW(pool, uint32_t, (size_t)deepest + 1), 0 };
}

void husk__frames_get(struct husk__frames *frames, const struct husk_snapshot *snapshot, uint32_t stack)
{
    const struct husk__stack *stacks = SNAP(snapshot, STACKS);
    frames->count = stacks[stack].depth;
    for (size_t i = frames->count; i > 0; stack = stacks[stack].parent)
        frames->at[--i] = stacks[stack].frame;
    if (!frames->count)
        frames->at[frames->count++] = 0; /* not known where */
}

bool husk__made_by_stack(const struct husk_snapshot *snapshot, struct husk__pool *pool, uint64_t **count,
                         uint64_t **bytes)
{
    *count = POOL_NEW(pool, uint64_t, SNAP_COUNT(snapshot, STACKS));
    *bytes = *count ? POOL_NEW(pool, uint64_t, SNAP_COUNT(snapshot, STACKS)) : NULL;
    if (!*bytes)
        return false;
    const struct husk__record_row *records = SNAP(snapshot, RECORDS);
    for (size_t r = 0; r < SNAP_COUNT(snapshot, RECORDS); r++) {
        (*count)[records[r].stack] += records[r].born_count;
        (*bytes)[records[r].stack] += records[r].born_bytes;
    }
    return true;
}
