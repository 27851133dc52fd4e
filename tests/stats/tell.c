/* tests/stats/tell.c: builds snapshots from lines of standard input, asks statistics about them, and prints what they
 * say, for scripts that know better (model.py, same.py). Words are separated by tabs; in a text a byte may be %XX,
 * and a text that begins with ! gets a number of its own although the same bytes have one.
 *
 *   snapshot                               begins another one; the two latest are there
 *   number GROUP NAME VALUE                rows of the sections, in order; number 0 of each is there
 *   class BYTES
 *   epoch START_NS MARK
 *   module PATH START END OFFSET
 *   frame FILE FUNCTION LINE MODULE ADDRESS
 *   stack PARENT FRAME TOTAL
 *   type NAME
 *   thread ID NAME
 *   context TAG DOMAIN THREAD
 *   record STACK CONTEXT BORN BORN_BYTES DIED DIED_BYTES TEMPORARY PEAK PEAK_BYTES
 *   object TYPE SIZE RECORD EPOCH
 *   block KIND SIZE RECORD EPOCH
 *   ask BY SORT FLAGS COMPARE [FILTER...]  one answer; FILTER: a text of husk_filter_parse, or & (husk_filter_and),
 *                                          or |, behind which are those of the old snapshot
 *   things FLAGS [FILTER...]
 *   traceback ROW LIMIT FLAGS              of the latest answer
 *   glob FILE PATTERN TEXT
 *   size BYTES SIGN
 *
 * An answer is lines of words and ends with a line "." */
#define _POSIX_C_SOURCE 200809L /* getline */
#include "view/glob.h"
#include "view/snapshot.h"

#include <husk.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 400 };
static char *words[WORDS];
static size_t lengths[WORDS];
static size_t word_count;

static husk_snapshot *now, *old;
static bool settled;
static uint64_t next_address = 0x10000;
static husk_stats *stats;

static void die(const char *why)
{
    fprintf(stderr, "tell: %s\n", why);
    exit(2);
}

/* ---- words ---- */

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static size_t decode(char *word)
{
    char *to = word;
    for (const char *from = word; *from; from++)
        if (*from == '%' && hex(from[1]) >= 0 && hex(from[2]) >= 0) {
            *to++ = (char)(hex(from[1]) * 16 + hex(from[2]));
            from += 2;
        } else {
            *to++ = *from;
        }
    *to = '\0';
    return (size_t)(to - word);
}

static void split(char *line)
{
    word_count = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *at = line; at && word_count < WORDS; word_count++) {
        words[word_count] = at;
        at = strchr(at, '\t');
        if (at)
            *at++ = '\0';
    }
    for (size_t i = 0; i < word_count; i++)
        lengths[i] = decode(words[i]);
}

static uint64_t number(size_t word)
{
    if (word >= word_count)
        die("a word is missing");
    return strtoull(words[word], NULL, 10);
}

/* The snapshot's number for a word. */
static uint32_t string(size_t word)
{
    if (word >= word_count)
        die("a word is missing");
    bool failed = false;
    uint32_t have;
    if (words[word][0] == '!') {
        size_t length = lengths[word] - 1;
        uint64_t *off = husk__snap_add(now, SECTION_STRING_OFF, 1);
        char *at = husk__snap_add(now, SECTION_STRINGS, length + 1);
        if (!off || !at)
            die("no memory");
        memcpy(at, words[word] + 1, length);
        *off = now->own[SECTION_STRINGS].used;
        return (uint32_t)(now->own[SECTION_STRING_OFF].used / sizeof *off - 2);
    }
    have = husk__snap_string(now, words[word], lengths[word], &failed);
    if (failed)
        die("no memory");
    return have;
}

/* ---- building ---- */

#define ADD(name)                                                                                            \
    husk__snap_##name *row = SNAP_ADD(now, name);                                                            \
    if (!row)                                                                                                \
        die("no memory");                                                                                    \
    *row = (husk__snap_##name)

static void add_frame(void)
{
    uint32_t file = string(1), function = string(2);
    ADD(FRAMES){ .file = file,
                 .function = function,
                 .line = (uint32_t)number(3),
                 .module = (uint32_t)number(4),
                 .address = number(5),
                 .kind = number(5) ? FRAME_NATIVE : FRAME_LANGUAGE };
}

static void add_stack(void)
{
    uint32_t parent = (uint32_t)number(1), depth = 1;
    if (parent)
        depth += ((const struct husk__stack *)(void *)now->own[SECTION_STACKS].at)[parent].depth;
    ADD(STACKS){ parent, (uint32_t)number(2), depth, (uint32_t)number(3) };
}

static void add_record(void)
{
    ADD(RECORDS){ (uint32_t)number(1), (uint32_t)number(2), number(3), number(4), number(5),
                  number(6),           number(7),           number(8), number(9) };
}

static void add_object(void)
{
    size_t nodes = now->own[SECTION_NODES].used / sizeof(struct husk__node);
    uint64_t size = number(2);
    {
        ADD(NODES){ .where = husk__node_where(next_address, (uint32_t)number(1)),
                    .size = size < NODE_SIZE_SPILLS ? (uint32_t)size : NODE_SIZE_SPILLS };
    }
    next_address += 16;
    uint32_t *site = SNAP_ADD(now, NODE_SITE);
    if (!site)
        die("no memory");
    *site = (uint32_t)number(3) | (uint32_t)number(4) << SITE_EPOCH_SHIFT;
    if (size >= NODE_SIZE_SPILLS) {
        ADD(SPILL){ (uint32_t)nodes, SPILL_SIZE, size };
    }
}

static bool build(const char *what)
{
    if (strcmp(what, "number") == 0) {
        if (!husk__snap_number(now, words[1], words[2], number(3)))
            die("no memory");
    } else if (strcmp(what, "class") == 0) {
        ADD(CLASSES){ .block_bytes = (uint32_t)number(1) };
    } else if (strcmp(what, "epoch") == 0) {
        uint32_t mark = string(2);
        ADD(EPOCHS){ number(1), mark, 0 };
    } else if (strcmp(what, "module") == 0) {
        uint32_t path = string(1);
        ADD(MODULES){ path, 0, number(2), number(3), number(4) };
    } else if (strcmp(what, "frame") == 0) {
        add_frame();
    } else if (strcmp(what, "stack") == 0) {
        add_stack();
    } else if (strcmp(what, "type") == 0) {
        uint32_t name = string(1);
        ADD(TYPES){ .name = name };
    } else if (strcmp(what, "thread") == 0) {
        uint32_t name = string(2);
        ADD(THREADS){ number(1), name, 0 };
    } else if (strcmp(what, "context") == 0) {
        uint32_t tag = string(1), domain = string(2);
        ADD(CONTEXTS){ tag, domain, (uint32_t)number(3), 0 };
    } else if (strcmp(what, "record") == 0) {
        add_record();
    } else if (strcmp(what, "object") == 0) {
        add_object();
    } else if (strcmp(what, "block") == 0) {
        ADD(BLOCKS){ next_address += 16, number(2),
                     (uint32_t)number(3) | (uint32_t)number(4) << SITE_EPOCH_SHIFT, (uint32_t)number(1) };
    } else {
        return false;
    }
    return true;
}

static void begin(void)
{
    husk_stats_free(stats);
    stats = NULL;
    husk_snapshot_free(old);
    if (now && !settled)
        husk__snap_settle(now);
    old = now;
    now = husk__snap_new(0);
    settled = false;
    if (!now)
        die("no memory");
}

/* ---- asking ---- */

static bool wrong(husk_status status)
{
    if (status == HUSK_OK)
        return false;
    printf("error\t%s\t%s\n", husk_status_name(status), husk_message());
    return true;
}

static bool filters(size_t first, husk_filter **out)
{
    if (wrong(husk_filter_new(out)))
        return false;
    for (size_t i = first; i < word_count && strcmp(words[i], "|") != 0; i++)
        if (strcmp(words[i], "&") == 0 ? wrong(husk_filter_and(*out))
                                       : wrong(husk_filter_parse(*out, words[i])))
            return false;
    return true;
}

/* A text of any length, printed with what would end a word or line as %XX. */
static void print_text(const char *text)
{
    for (; *text; text++)
        if (*text == '%' || *text == '\t' || *text == '\n')
            printf("%%%02X", (unsigned char)*text);
        else
            putchar(*text);
}

#define PRINT_LONG(call, ...)                                                                                \
    do {                                                                                                     \
        size_t length = call(__VA_ARGS__, NULL, 0);                                                          \
        char *text = malloc(length + 1);                                                                     \
        if (!text || call(__VA_ARGS__, text, length + 1) != length || strlen(text) != length)                \
            die(#call " told two lengths");                                                                  \
        print_text(text);                                                                                    \
        free(text);                                                                                          \
    } while (0)

static void print_stat(const husk_stat *stat)
{
    printf("\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64, stat->size, stat->count, stat->size_diff,
           stat->count_diff);
    if (stat->recorded)
        printf("\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64,
               stat->born, stat->born_bytes, stat->died, stat->died_bytes, stat->temporary, stat->peak,
               stat->peak_bytes);
    putchar('\n');
}

static void print_frames(size_t row)
{
    husk_frame frame;
    printf("frames");
    for (size_t i = 0; husk_stats_frame(stats, row, i, &frame); i++) {
        putchar('\t');
        print_text(frame.file);
        printf(":%" PRIu32, frame.line);
    }
    printf("\t%zu\n", husk_stats_total_frames(stats, row));
}

static void ask(void)
{
    husk_stats_free(stats);
    stats = NULL;
    husk_filter *filter = NULL, *old_filter = NULL;
    int by = 0, sort = 0;
    size_t bar = 5;
    while (bar < word_count && strcmp(words[bar], "|") != 0)
        bar++;
    bool ok = filters(5, &filter) && (bar == word_count || filters(bar + 1, &old_filter)) &&
              !wrong(husk_stats_by_find(words[1], &by)) && !wrong(husk_stats_sort_find(words[2], &sort));
    husk_stats_options options = { HUSK_STATS_OPTIONS,           .by = by,         .sort = sort,
                                   .flags = (uint32_t)number(3), .filter = filter, .old_filter = old_filter };
    ok = ok && !wrong(number(4) ? husk_stats_compare(old, now, &options, &stats)
                                : husk_stats_new(now, &options, &stats));
    husk_filter_free(filter);
    husk_filter_free(old_filter);
    if (!ok)
        return;
    husk_stat stat;
    for (size_t i = 0; husk_stats_row(stats, i, &stat); i++) {
        PRINT_LONG(husk_stats_row_text, stats, i);
        print_stat(&stat);
        if (by == HUSK_BY_TRACEBACK)
            print_frames(i);
    }
    husk_stats_total(stats, &stat);
    PRINT_LONG(husk_stats_total_text, stats);
    print_stat(&stat);
    size_t top = husk_stats_count(stats) / 2;
    husk_stats_rest(stats, top, &stat);
    PRINT_LONG(husk_stats_rest_text, stats, top);
    print_stat(&stat);
}

static void ask_things(void)
{
    husk_filter *filter = NULL;
    husk_things *things = NULL;
    if (filters(2, &filter) && !wrong(husk_things_new(now, filter, (uint32_t)number(1), &things))) {
        husk_thing thing;
        for (size_t i = 0; husk_things_at(things, i, &thing); i++)
            printf("%d\t%" PRIu64 "\t%d\t%.9g\t%" PRIu32 "\n", thing.kind, thing.size, thing.traced,
                   thing.weight, thing.record);
    }
    husk_things_free(things);
    husk_filter_free(filter);
}

static void answer(const char *what)
{
    if (!settled && now)
        husk__snap_settle(now);
    settled = true;
    if (strcmp(what, "ask") == 0) {
        ask();
    } else if (strcmp(what, "things") == 0) {
        ask_things();
    } else if (strcmp(what, "traceback") == 0) {
        PRINT_LONG(husk_stats_traceback_text, stats, (size_t)number(1), strtoll(words[2], NULL, 10),
                   (uint32_t)number(3));
        putchar('\n');
    } else if (strcmp(what, "glob") == 0) {
        printf("%d\n", number(1) ? husk__glob_file(words[2], lengths[2], words[3], lengths[3])
                                 : husk__glob(words[2], lengths[2], words[3], lengths[3]));
    } else if (strcmp(what, "size") == 0) {
        PRINT_LONG(husk_size_text, strtod(words[1], NULL), number(2) != 0);
        putchar('\n');
    } else {
        die(what);
    }
    printf(".\n");
    fflush(stdout);
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        split(line);
        if (strcmp(words[0], "snapshot") == 0)
            begin();
        else if (!build(words[0]))
            answer(words[0]);
    }
    free(line);
    husk_stats_free(stats);
    husk_snapshot_free(now);
    husk_snapshot_free(old);
    return husk_memory_held() == 0 ? 0 : 3;
}
