/* tests/fuzz/snapshot.c: any bytes as the file of a snapshot: refused with a text, or sound for every reader.
 *
 * With libFuzzer (make fuzz) bytes are changed at random, and by section: one that grows or shrinks moves
 * those behind it, so that the file stays one and the change is looked at. Checksums are made right before it
 * is read, or few changes would be. Built without, it is a plain test: it reads the files that are named, or
 * in the folders that are, as they are and with each byte changed in turn. */
#include "sample_file.h"

#include "base/crc32c.h"

#include <husk/debug.h>
#include <husk/report.h>
#include <husk/stats.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool swallow(const void *bytes, size_t length, void *data)
{
    *(uint32_t *)data = husk__crc32c(*(uint32_t *)data, bytes, length);
    return true;
}

static void read_rows(const husk_stats *stats)
{
    husk_stat row;
    char text[300];
    for (size_t i = 0; husk_stats_row(stats, i, &row) && i < 50; i++) {
        (void)husk_stats_row_text(stats, i, text, sizeof text);
        (void)husk_stats_traceback_text(stats, i, 10, HUSK_TEXT_FUNCTION, text, sizeof text);
    }
    (void)husk_stats_rest_text(stats, 1, text, sizeof text);
    (void)husk_stats_total_text(stats, text, sizeof text);
}

/* One of the exports and one of the groupings, by the number. */
static void read_by_others(const struct husk_snapshot *snapshot, uint32_t number)
{
    enum { GROUPINGS = HUSK_BY_KIND + 1, FLAGS = 16 };
    size_t formats = 0;
    while (husk_export_format(formats))
        formats++;
    uint32_t sum = 0;
    husk_status status = husk_export(snapshot, husk_export_format(number % formats), NULL, swallow, &sum);
    if (status != HUSK_OK && status != HUSK_ERANGE)
        abort();
    number /= (uint32_t)formats;
    husk_stats_options options = { HUSK_STATS_OPTIONS, .by = (int)(number % GROUPINGS) };
    options.flags = number / GROUPINGS % FLAGS;
    bool compare = number / (GROUPINGS * FLAGS) % 2;
    husk_stats *stats = NULL;
    status = compare ? husk_stats_compare(snapshot, snapshot, &options, &stats)
                     : husk_stats_new(snapshot, &options, &stats);
    if (status == HUSK_OK)
        read_rows(stats);
    else if (status != HUSK_EINVAL)
        abort();
    husk_stats_free(stats);
}

/* Memory and messages, whatever happens. */
static void look_at(const unsigned char *bytes, size_t length)
{
    static size_t held = SIZE_MAX;
    if (held == SIZE_MAX)
        held = husk_memory_held();
    struct husk_snapshot *snapshot = NULL;
    husk_status status = husk__snap_open(bytes, length, "fuzzed", &snapshot);
    if (status == HUSK_OK) {
        (void)sample_snapshot_walk(snapshot);
        read_by_others(snapshot, husk__crc32c(0, bytes, length));
        if (husk_snapshot_note(snapshot, "key", "text") != HUSK_OK ||
            strcmp(husk_snapshot_text(snapshot, "key"), "text") != 0)
            abort();
        (void)sample_snapshot_walk(snapshot);
    } else if (status != HUSK_EFORMAT || strncmp(husk_message(), "fuzzed: ", 8) != 0 ||
               strchr(husk_message(), '\n')) {
        abort();
    }
    husk_snapshot_free(snapshot);
    if (husk_memory_held() != held)
        abort();
}

/* As it is, and mended. */
static void look_at_both(const unsigned char *bytes, size_t length)
{
    unsigned char *copy = malloc(length ? length : 1); /* aligned, and its end is where it ends */
    if (!copy)
        abort();
    if (length)
        memcpy(copy, bytes, length);
    look_at(copy, length);
    sample_file_repair(copy, length);
    look_at(copy, length);
    free(copy);
}

#ifdef HUSK_FUZZER

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t length, size_t room);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t length, size_t room, unsigned seed);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    look_at_both(bytes, length);
    return 0;
}

enum { SECTIONS_MOST = 64, SECTION_MOST = 1 << 16 };

/* The file once more, with section number `which` changed; 0: it is not one, or does not fit. */
static size_t change_section(const uint8_t *from, size_t length, uint8_t *to, size_t room, unsigned which)
{
    struct husk__file_head head;
    struct husk__file_row rows[SECTIONS_MOST];
    if (length < sizeof head)
        return 0;
    memcpy(&head, from, sizeof head);
    size_t table = head.sections * sizeof *rows;
    if (head.sections == 0 || head.sections > SECTIONS_MOST || table > length - sizeof head)
        return 0;
    memcpy(rows, from + sizeof head, table);
    size_t end = sizeof head + table;
    which %= head.sections;
    memset(to, 0, room);
    for (unsigned r = 0; r < head.sections; r++) {
        struct husk__file_row *row = &rows[r];
        if (row->offset > length || !row->item || row->count > (length - row->offset) / row->item)
            return 0;
        size_t bytes = (size_t)row->count * row->item, unit = bytes >= FILE_PAGE ? FILE_PAGE : FILE_ALIGN;
        size_t offset = (end + unit - 1) / unit * unit;
        if (bytes + SECTION_MOST > room || offset > room - bytes - SECTION_MOST)
            return 0;
        memcpy(to + offset, from + row->offset, bytes);
        if (r == which) {
            size_t changed = LLVMFuzzerMutate(to + offset, bytes, bytes + SECTION_MOST / 16);
            changed -= changed % row->item;
            memset(to + offset + changed, 0, bytes > changed ? bytes - changed : 0);
            bytes = changed;
        }
        row->offset = offset;
        row->count = bytes / row->item;
        end = offset + bytes;
    }
    memcpy(to, &head, sizeof head);
    memcpy(to + sizeof head, rows, table);
    return end;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t length, size_t room, unsigned seed)
{
    size_t large = room + 2 * SECTION_MOST, made = 0;
    uint8_t *to = seed % 4 ? malloc(large) : NULL;
    if (to)
        made = change_section(bytes, length, to, large, seed / 4);
    if (made && made <= room)
        memcpy(bytes, to, made);
    else
        made = LLVMFuzzerMutate(bytes, length, room);
    free(to);
    sample_file_repair(bytes, made);
    return made;
}

#else

#include <dirent.h>

static unsigned looked_at;

static void look_at_file(const char *path)
{
    struct sample_file file;
    if (!sample_file_read(path, &file)) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(1);
    }
    look_at_both(file.bytes, file.length);
    for (size_t i = 0; i < file.length; i++) {
        static const unsigned char changes[] = { 1, 0x80, 0xFF };
        file.bytes[i] ^= changes[i % 3];
        look_at_both(file.bytes, file.length);
        file.bytes[i] ^= changes[i % 3];
    }
    sample_file_end(&file);
    looked_at++;
}

int main(int count, char **words)
{
    for (int i = 1; i < count; i++) {
        DIR *folder = opendir(words[i]);
        if (!folder) {
            look_at_file(words[i]);
            continue;
        }
        for (struct dirent *entry; (entry = readdir(folder));) {
            char path[1024];
            snprintf(path, sizeof path, "%s/%s", words[i], entry->d_name);
            if (entry->d_name[0] != '.')
                look_at_file(path);
        }
        closedir(folder);
    }
    printf("%u files\n", looked_at);
    return looked_at ? 0 : 1;
}
#endif
