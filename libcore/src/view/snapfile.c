/* view/snapfile.c: saving a snapshot, and mapping a file as one. The form is in snapfile.h; what the sections
 * hold is checked in snapcheck.c. */
#define _GNU_SOURCE
#include "view/snapfile.h"

#include "base/crc32c.h"
#include "base/memory.h"
#include "base/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(sizeof(struct husk__file_head) == 64 && sizeof(struct husk__file_row) == 32,
               "the form of a file");

/* ---- saving ---- */

static bool is_required(unsigned kind)
{
    switch (kind) {
    case SECTION_META:
    case SECTION_NUMBERS:
    case SECTION_CLASSES:
    case SECTION_PASSES:
    case SECTION_MAPS:
        return false;
    default:
        return true;
    }
}

struct layout {
    struct husk__file_head head;
    struct husk__file_row rows[SECTIONS];
};

static void lay_out(const struct husk_snapshot *snapshot, struct layout *file)
{
    memset(file, 0, sizeof *file);
    unsigned rows = 0;
    for (unsigned k = 1; k < SECTIONS; k++)
        rows += snapshot->sections[k].count != 0;
    uint64_t end = sizeof file->head + rows * sizeof file->rows[0];
    unsigned row = 0;
    for (unsigned k = 1; k < SECTIONS; k++) {
        size_t count = snapshot->sections[k].count, bytes = count * husk__section_item(k);
        if (!count)
            continue;
        uint64_t unit = bytes >= FILE_PAGE ? FILE_PAGE : FILE_ALIGN;
        end = (end + unit - 1) / unit * unit;
        file->rows[row++] = (struct husk__file_row){
            k, is_required(k) ? FILE_ROW_REQUIRED : 0, (uint32_t)husk__section_item(k), 0, end, count
        };
        end += bytes;
    }
    memcpy(file->head.magic, FILE_MAGIC, sizeof file->head.magic);
    file->head.order = FILE_ORDER;
    file->head.version = SNAPSHOT_VERSION;
    file->head.sections = rows;
    file->head.length = end;
}

/* Sums come before what they are of, so that the file can go through a pipe. */
static void sum_up(const struct husk_snapshot *snapshot, struct layout *file)
{
    size_t rows = file->head.sections;
    for (size_t r = 0; r < rows; r++) {
        struct husk__file_row *row = &file->rows[r];
        row->crc = husk__crc32c(0, snapshot->sections[row->kind].at, (size_t)row->count * row->item);
    }
    file->head.table_crc = husk__crc32c(0, file->rows, rows * sizeof *file->rows);
    file->head.crc = husk__crc32c(0, &file->head, offsetof(struct husk__file_head, crc));
}

static husk_status write_sections(struct husk__newfile *to, const struct husk_snapshot *snapshot,
                                  const struct layout *file)
{
    static const char zeros[FILE_PAGE];
    uint64_t end = sizeof file->head + file->head.sections * sizeof *file->rows;
    husk_status status = husk__newfile_write(to, file, (size_t)end);
    for (uint32_t r = 0; r < file->head.sections && status == HUSK_OK; r++) {
        const struct husk__file_row *row = &file->rows[r];
        size_t bytes = (size_t)row->count * row->item;
        status = husk__newfile_write(to, zeros, (size_t)(row->offset - end));
        if (status == HUSK_OK)
            status = husk__newfile_write(to, snapshot->sections[row->kind].at, bytes);
        end = row->offset + bytes;
    }
    return status;
}

husk_status husk_snapshot_save(const husk_snapshot *snapshot, const char *path)
{
    struct layout layout;
    struct husk__newfile file;
    husk_status status = husk__newfile_open(&file, path);
    if (status != HUSK_OK)
        return status;
    lay_out(snapshot, &layout);
    sum_up(snapshot, &layout);
    return husk__newfile_commit(&file, write_sections(&file, snapshot, &layout));
}

/* ---- opening ---- */

static husk_status bad_file(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
static husk_status bad_file(const char *name, const char *format, ...)
{
    char shown[SHOWN_PATH], text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return husk_fail(HUSK_EFORMAT, "%s: %s", husk__shown_path(name, shown), text);
}

static husk_status check_head(const struct husk__file_head *head, size_t length, const char *name)
{
    if (length == 0)
        return bad_file(name, "empty, not a snapshot");
    size_t start = length < sizeof head->magic ? length : sizeof head->magic;
    if (memcmp(head->magic, FILE_MAGIC, start) != 0)
        return bad_file(name, "not a snapshot of Husk");
    if (length < sizeof *head)
        return bad_file(name, "cut short: %zu bytes, the head has %zu", length, sizeof *head);
    if (head->order != FILE_ORDER && __builtin_bswap32(head->order) == FILE_ORDER)
        return bad_file(name, "written on a machine with another byte order");
    if (head->crc != husk__crc32c(0, head, offsetof(struct husk__file_head, crc)))
        return bad_file(name, "damaged: checksum of the head");
    if (head->order != FILE_ORDER)
        return bad_file(name, "unknown byte order 0x%08x", head->order);
    if (head->version == 0 || head->version > SNAPSHOT_VERSION)
        return bad_file(name, "of version %u; this library reads up to version %d", head->version,
                        SNAPSHOT_VERSION);
    if (head->features)
        return bad_file(name, "needs features 0x%x, which this library does not know", head->features);
    for (size_t i = 0; i < sizeof head->unused / sizeof *head->unused; i++)
        if (head->unused[i])
            return bad_file(name, "damaged: the head has numbers where none belong");
    if (head->length != length)
        return bad_file(name, "%s: %zu bytes, and there should be %llu",
                        length < head->length ? "cut short" : "too long", length,
                        (unsigned long long)head->length);
    if (head->sections > (length - sizeof *head) / sizeof(struct husk__file_row))
        return bad_file(name, "damaged: a table of %u sections does not fit in it", head->sections);
    return HUSK_OK;
}

static const char *section_label(const struct husk__file_row *row, char text[32])
{
    if (husk__section_item(row->kind))
        snprintf(text, 32, "section %s", husk__section_name(row->kind));
    else
        snprintf(text, 32, "section number %u", row->kind);
    return text;
}

/* One row of the table. *end: of what is taken already, moved behind this section. */
static husk_status check_row(const struct husk__file_row *row, uint32_t kind_before, uint64_t *end,
                             uint64_t length, const char *name)
{
    char label[32];
    (void)section_label(row, label);
    size_t item = husk__section_item(row->kind);
    if (row->kind <= kind_before)
        return bad_file(name, "damaged: %s not in its order", label);
    if (!item && row->flags & FILE_ROW_REQUIRED)
        return bad_file(name, "%s, which it cannot be read without, is not known to this library", label);
    if (row->flags & ~(uint32_t)FILE_ROW_REQUIRED)
        return bad_file(name, "damaged: %s has unknown flags 0x%x", label, row->flags);
    if (item && row->item != item)
        return bad_file(name, "damaged: %s has elements of %u bytes instead of %zu", label, row->item, item);
    if (row->offset % FILE_ALIGN || row->offset < *end || row->offset - *end >= FILE_PAGE)
        return bad_file(name, "damaged: %s begins at %llu, %llu bytes are before it", label,
                        (unsigned long long)row->offset, (unsigned long long)*end);
    if (row->offset > length || (row->item && row->count > (length - row->offset) / row->item))
        return bad_file(name, "damaged: %s reaches beyond the end of the file", label);
    *end = row->offset + row->count * row->item;
    return HUSK_OK;
}

static bool is_zero(const char *at, const char *end)
{
    while (at < end)
        if (*at++)
            return false;
    return true;
}

static husk_status read_sections(struct husk_snapshot *snapshot, const char *bytes, size_t length,
                                 const char *name)
{
    const struct husk__file_head *head = (const void *)bytes;
    const struct husk__file_row *rows = (const void *)(bytes + sizeof *head);
    size_t table = head->sections * sizeof *rows;
    if (head->table_crc != husk__crc32c(0, rows, table))
        return bad_file(name, "damaged: checksum of the table of sections");
    uint64_t end = sizeof *head + table;
    uint32_t before = 0;
    for (uint32_t r = 0; r < head->sections; r++) {
        uint64_t gap = end;
        char label[32];
        husk_status status = check_row(&rows[r], before, &end, length, name);
        if (status != HUSK_OK)
            return status;
        if (!is_zero(bytes + gap, bytes + rows[r].offset))
            return bad_file(name, "damaged: not zero before %s", section_label(&rows[r], label));
        if (rows[r].crc != husk__crc32c(0, bytes + rows[r].offset, (size_t)(end - rows[r].offset)))
            return bad_file(name, "damaged: checksum of %s", section_label(&rows[r], label));
        before = rows[r].kind;
        if (husk__section_item(before))
            snapshot->sections[before] =
                (struct husk__section){ bytes + rows[r].offset, (size_t)rows[r].count };
    }
    return end == length ? HUSK_OK
                         : bad_file(name, "damaged: %llu bytes behind the last section",
                                    (unsigned long long)(length - end));
}

husk_status husk__snap_open(const void *bytes, size_t length, const char *name, struct husk_snapshot **out)
{
    husk_status status = check_head(bytes, length, name);
    if (status != HUSK_OK)
        return status;
    struct husk_snapshot *snapshot = husk__raw_new(sizeof *snapshot);
    if (!snapshot)
        return husk_fail(HUSK_ENOMEM, "%s", husk_status_text(HUSK_ENOMEM));
    husk__snap_clear(snapshot);
    status = read_sections(snapshot, bytes, length, name);
    if (status == HUSK_OK)
        status = husk__snap_check(snapshot, name);
    if (status == HUSK_OK)
        *out = snapshot;
    else
        husk_snapshot_free(snapshot);
    return status;
}

/* ---- loading ---- */

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14; what it is to older ones does not matter */
#endif

/* Maps the file, and its pages where the system can do so at once: then a failing disk, or a file that somebody
 * cuts short now, is an error here and not a signal at the first touch. NULL: *status says why. */
static void *map_whole(int file, size_t length, const char *path, husk_status *status)
{
    void *map = husk__memory_refused() ? MAP_FAILED : mmap(NULL, length, PROT_READ, MAP_PRIVATE, file, 0);
    char shown[SHOWN_PATH];
    if (map == MAP_FAILED) {
        *status = husk_fail(HUSK_ENOMEM, "%s: no room for %zu bytes", husk__shown_path(path, shown), length);
        return NULL;
    }
    if (madvise(map, length, MADV_POPULATE_READ) != 0 && (errno == EFAULT || errno == EHWPOISON)) {
        (void)munmap(map, length);
        *status = husk__file_refused(path, "cannot be read", EIO);
        return NULL;
    }
    return map;
}

static husk_status load_from(int file, const char *path, husk_snapshot **out)
{
    struct stat there;
    if (fstat(file, &there) != 0)
        return husk__file_refused(path, "cannot be read", errno);
    if (S_ISDIR(there.st_mode))
        return husk__file_refused(path, "cannot be read", EISDIR);
    char shown[SHOWN_PATH];
    if (!S_ISREG(there.st_mode))
        return husk_fail(HUSK_EIO, "%s: cannot be read: not a file but a device or a pipe",
                         husk__shown_path(path, shown));
    if ((uint64_t)there.st_size > SIZE_MAX)
        return husk__file_refused(path, "cannot be read", EFBIG);
    size_t length = (size_t)there.st_size;
    /* The head by itself: to say that it is something else, a file of a hundred gigabytes is not read. */
    struct husk__file_head head = { .crc = 0 };
    ssize_t got = pread(file, &head, sizeof head, 0);
    if (got < 0)
        return husk__file_refused(path, "cannot be read", errno);
    if ((size_t)got < sizeof head)
        length = (size_t)got;
    husk_status status = check_head(&head, length, path);
    void *map = status == HUSK_OK ? map_whole(file, length, path, &status) : NULL;
    if (!map)
        return status;
    status = husk__snap_open(map, length, path, out);
    if (status == HUSK_OK) {
        (*out)->map = map;
        (*out)->map_bytes = length;
    } else {
        (void)munmap(map, length);
    }
    return status;
}

husk_status husk_snapshot_load(const char *path, husk_snapshot **out)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a pipe must not make it wait */
    if (file < 0)
        return husk__file_refused(path, "cannot be read", errno);
    husk_status status = load_from(file, path, out);
    (void)close(file);
    return status;
}
