/* husk/report.h: a snapshot in the forms that other programs read.
 *
 * An export is a pure function of a snapshot to a writer that gets the bytes piece by piece: nothing is kept of
 * what was written, so a large snapshot needs little more memory than the tables it is sorted by. docs/exports.md
 * says which program opens what. What is weighed: objects, their buffers and traced blocks that are alive; when
 * tracing was sampled, the estimates.
 *
 * Names are bytes of anybody: in every form they stay what they are where the form can say it. A byte that is no
 * UTF-8 becomes the four characters \xNN; so does, outside of JSON, a control character that the form cannot hold.
 * Threads: any one at a time for each snapshot; several may read. Failures leave their text in husk_message. */
#ifndef HUSK_REPORT_H
#define HUSK_REPORT_H

#include <husk/snapshot.h>
#include <husk/stats.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Takes the next bytes, a few thousand at a time; false: no more are wanted or it cannot, and it is not called
 * again. Must not use the snapshot's heap. */
typedef bool husk_write_fn(const void *bytes, size_t length, void *data);

/* Told how many bytes have been handed on, about once a mebibyte: for a sign of life in long work. As the writer it
 * must not use the snapshot's heap. */
typedef void husk_progress_fn(uint64_t bytes, void *data);

enum {
    HUSK_EXPORT_TYPES =
        1u << 0, /* collapsed, speedscope: the type as the innermost frame (pprof has it as a label) */
    HUSK_EXPORT_COUNT = 1u << 1, /* collapsed: things and not bytes */
    HUSK_EXPORT_MADE = 1u << 2,  /* collapsed: all that was made while tracing, dead or alive */
};

typedef struct husk_export_options {
    uint32_t struct_size; /* filled by HUSK_EXPORT_OPTIONS */
    uint32_t abi;
    uint32_t flags; /* HUSK_EXPORT_... */
    const char *by; /* text, csv: a grouping of husk/stats.h by name; NULL: by type */
    size_t top; /* most rows (text, csv, openmetrics: of types) or nodes (dot); 0: the form's own number */
    size_t max_bytes;           /* html: of the page; 0: 2,000,000 */
    const char *title;          /* html, dot; NULL: made from the snapshot's texts */
    husk_progress_fn *progress; /* NULL: nobody wants to know */
    void *progress_data;
    /* csv, collapsed, pprof, speedscope: what does not pass is not counted (names of its places may be in tables). Not
     * with HUSK_EXPORT_MADE. The other forms show a state as a whole and refuse it. NULL: everything counts */
    HUSK_NULLABLE const husk_filter *filter;
} husk_export_options;

#define HUSK_EXPORT_OPTIONS .struct_size = (uint32_t)sizeof(husk_export_options), .abi = 1u

/* Writes the snapshot in a form, by name; options may be NULL. HUSK_EMISSING: no such form, or grouping;
 * HUSK_EIO: the writer refused; HUSK_ENOMEM; HUSK_EINVAL: options; HUSK_ERANGE: more than the form can hold. */
HUSK_API husk_status husk_export(const husk_snapshot *snapshot, const char *format,
                                 HUSK_NULLABLE const husk_export_options *options, husk_write_fn *write,
                                 void *data);

/* The same into a file, all or nothing: under a temporary name beside it, synced, renamed. HUSK_EIO: names the path
 * and says why; what was there before is as it was. */
HUSK_API husk_status husk_export_file(const husk_snapshot *snapshot, const char *format,
                                      HUSK_NULLABLE const husk_export_options *options, const char *path);

/* The forms: names in order, NULL beyond the last; what files of it are called ("pb", no dot); what it is, in a
 * line. NULL for a name that is none. */
HUSK_API HUSK_NULLABLE const char *husk_export_format(size_t index);
HUSK_API HUSK_NULLABLE const char *husk_export_suffix(const char *format);
HUSK_API HUSK_NULLABLE const char *husk_export_about(const char *format);
/* The form that a file of this name would have, by its ending; NULL: none. */
HUSK_API HUSK_NULLABLE const char *husk_export_guess(const char *path);

typedef struct husk_report_options {
    uint32_t struct_size; /* filled by HUSK_REPORT_OPTIONS */
    uint32_t abi;
    const char *title;        /* NULL: "Husk report" */
    const char *const *names; /* of the snapshots, one each; NULL: their times */
    size_t max_bytes;         /* of the page, never exceeded; 0: 2,000,000; at least 100,000 */
} husk_report_options;

#define HUSK_REPORT_OPTIONS .struct_size = (uint32_t)sizeof(husk_report_options), .abi = 1u

/* One self-contained HTML page about one or more snapshots, oldest first: flame graph, tables, the difference of any
 * two, memory over time. What would make it too large is cut, and the cut sums are shown. Errors as husk_export;
 * HUSK_ERANGE: no snapshot, more than 1000, or max_bytes too small. */
HUSK_API husk_status husk_report(const husk_snapshot *const *snapshots, size_t count,
                                 HUSK_NULLABLE const husk_report_options *options, husk_write_fn *write,
                                 void *data);
HUSK_API husk_status husk_report_file(const husk_snapshot *const *snapshots, size_t count,
                                      HUSK_NULLABLE const husk_report_options *options, const char *path);

#ifdef __cplusplus
}
#endif

#endif
