/* view/export.h: what the exporters of this folder share. One file each: export_<form>.c; the table of forms and the
 * doors are export.c. An exporter writes to `out` and answers HUSK_OK, or why it could not; that the writer refused
 * is the door's business. */
#ifndef HUSK_VIEW_EXPORT_H
#define HUSK_VIEW_EXPORT_H

#include "base/json.h"
#include "base/newfile.h"
#include "view/snapshot.h"
#include "view/alive.h"

#include <husk/report.h>
#include <husk/stats.h>

struct husk__export {
    const husk_snapshot *snapshot;
    const husk_export_options *options; /* never NULL */
    struct husk__out *out;
};

typedef husk_status husk__export_fn(struct husk__export *export);

husk__export_fn husk__export_text, husk__export_csv, husk__export_json, husk__export_collapsed,
    husk__export_pprof, husk__export_heapsnapshot, husk__export_speedscope, husk__export_dot,
    husk__export_openmetrics, husk__export_html;

husk_status husk__export_no_memory(void);

/* The groups of what `alive` counts too: with what is not traced, but not beside estimates. records: with what was
 * recorded of places, if it groups by them. */
husk_status husk__export_groups(const husk_snapshot *snapshot, int by, bool records,
                                const husk_filter *filter, husk_stats **out);

/* The grouping that options ask for; by type. HUSK_EMISSING, with a text. */
husk_status husk__export_by(const husk_export_options *options, int *by);

/* What a row is called, any bytes; by function its function too. */
struct husk__group_name {
    const char *name, *function;
    size_t name_length, function_length;
    uint32_t line;
    uint64_t offset; /* of a native frame in its file, + 1; 0: it needs none */
};
/* The same of a frame as groups by line are called. */
struct husk__group_name husk__frame_line(const struct husk_snapshot *snapshot, uint32_t frame);
struct husk__group_name husk__group_name(const husk_stats *stats, size_t row);
void husk__out_group_name(struct husk__out *out, const struct husk__escape *escape,
                          const struct husk__group_name *name);

/* What a figure of a snapshot is measured in, and what it is. */
struct husk__figure_kind {
    enum { FIGURE_COUNT, FIGURE_BYTES, FIGURE_NANOSECONDS, FIGURE_MICROSECONDS, FIGURE_PER_10000 } unit;
    const char *text; /* NULL: not known */
};
struct husk__figure_kind husk__figure_kind(const char *group, const char *name);

/* A writer into a file; what the file said is in status. */
struct husk__file_writer {
    struct husk__newfile file;
    husk_status status;
};
bool husk__file_write(const void *bytes, size_t length, void *data);

/* How a frame is told: its function, or what stands for it, and where that is. */
struct husk__place {
    const char *name; /* a native frame without a function: the module, without its folders */
    size_t name_length;
    const char *file; /* a native frame without a file: the module */
    size_t file_length;
    uint64_t
        address; /* belongs to the name, which is then no function: offset in the module's file, or address */
    bool has_address;
    uint32_t line;
};
struct husk__place husk__place_of(const struct husk_snapshot *snapshot, uint32_t frame);
/* "load", or "libdemo.so+0x1234". */
void husk__out_place_name(struct husk__out *out, const struct husk__escape *escape,
                          const struct husk__place *place);
/* And " (main.c:20)", if it is known. */
void husk__out_place(struct husk__out *out, const struct husk__escape *escape,
                     const struct husk__place *place);

/* The frames of a traceback, oldest first: at least one, since what is not known is frame 0. */
struct husk__frames {
    uint32_t *at; /* NULL: no memory */
    size_t count;
};
/* Room for the longest. */
struct husk__frames husk__frames_new(struct husk__pool *pool, const struct husk_snapshot *snapshot);
void husk__frames_get(struct husk__frames *frames, const struct husk_snapshot *snapshot, uint32_t stack);

/* What was made at each traceback while tracing. False: no memory. */
bool husk__made_by_stack(const struct husk_snapshot *snapshot, struct husk__pool *pool, uint64_t **count,
                         uint64_t **bytes);

/* A string of the snapshot. */
void husk__out_string(struct husk__out *out, const struct husk__escape *escape,
                      const struct husk_snapshot *snapshot, uint32_t string);
void husk__json_snap(struct husk__json *json, const struct husk_snapshot *snapshot, uint32_t string);

/* Plain text: control characters become \xNN. */
extern const struct husk__escape husk__plain_escape;

#endif
