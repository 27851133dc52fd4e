/* tests/flow/gctrace.c: the line of a pass, and what HUSK_GCTRACE prints. */
#define _GNU_SOURCE
#include "record.h"
#include "story.h"
#include "types.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- reading a line ---- */

/* The value of a word of the line, at most room - 1 bytes; the line has it exactly once. */
static void word(const char *line, const char *name, char *value, size_t room)
{
    char key[64];
    (void)snprintf(key, sizeof key, " %s=", name);
    const char *at = strstr(line, key);
    assert_non_null(at);
    assert_null(strstr(at + 1, key));
    at += strlen(key);
    size_t length = strcspn(at, " \n");
    assert_true(length > 0 || strcmp(name, "types") == 0);
    assert_true(length < room);
    memcpy(value, at, length);
    value[length] = 0;
}

static uint64_t number(const char *line, const char *name)
{
    char value[64], *end;
    word(line, name, value, sizeof value);
    uint64_t n = strtoull(value, &end, 10);
    assert_int_equal(*end, 0);
    return n;
}

/* Microseconds with three decimals. */
static uint64_t time_of(const char *line, const char *name)
{
    char key[64], value[64], *end;
    (void)snprintf(key, sizeof key, "%s_us", name);
    word(line, key, value, sizeof value);
    uint64_t us = strtoull(value, &end, 10);
    assert_int_equal(*end, '.');
    assert_int_equal(strlen(end), 4);
    return us * 1000 + strtoull(end + 1, &end, 10);
}

static void compare(const char *line, const husk_pass_record *r, const char *heap_name)
{
    char value[4096], expected[64];
    assert_memory_equal(line, "husk-gc pass=", 13);
    assert_int_equal(number(line, "pass"), r->number);
    word(line, "heap", value, sizeof value);
    assert_string_equal(value, heap_name);
    word(line, "mode", value, sizeof value);
    assert_string_equal(value, husk_mode_name(r->mode));
    word(line, "by", value, sizeof value);
    assert_string_equal(value, husk_reason_name(r->reason));
    word(line, "status", value, sizeof value);
    assert_string_equal(value, husk_status_name(r->status));
    assert_int_equal(number(line, "quiet"), r->quiet);
    assert_int_equal(number(line, "threads"), r->threads);
    assert_int_equal(time_of(line, "start"), r->start_ns);
    assert_int_equal(number(line, "pauses"), r->pauses);
    assert_int_equal(time_of(line, "pause"), r->pause_ns);
    assert_int_equal(time_of(line, "longest"), r->longest_ns);
    static const struct {
        const char *name;
        size_t offset;
    } fields[] = {
#define FIELD(name) { #name, offsetof(husk_pass_record, name) }
        FIELD(candidates),    FIELD(freed),        FIELD(freed_bytes), FIELD(finalized),
        FIELD(weak_cleared),  FIELD(held),         FIELD(reached),     FIELD(resurrected),
        FIELD(deferred),      FIELD(saved),        FIELD(frozen),      FIELD(objects_before),
        FIELD(objects_after), FIELD(bytes_before), FIELD(bytes_after),
#undef FIELD
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        assert_int_equal(number(line, fields[i].name),
                         *(const uint64_t *)((const char *)r + fields[i].offset));
    for (int p = 0; p < HUSK_PARTS; p++)
        assert_int_equal(time_of(line, husk_part_name((husk_part)p)), r->ns[p]);
    word(line, "types", value, sizeof value);
    uint32_t types = 0;
    for (char *save = NULL, *part = strtok_r(value, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
        char *count = strchr(part, ':'), *bytes = count ? strchr(count + 1, ':') : NULL;
        assert_non_null(bytes);
        assert_int_equal(strtoull(count + 1, NULL, 10), r->by_type[types].objects);
        assert_int_equal(strtoull(bytes + 1, NULL, 10), r->by_type[types].bytes);
        types++;
    }
    assert_int_equal(types, r->types);
    (void)snprintf(expected, sizeof expected, "%llu:%llu", (unsigned long long)r->rest.objects,
                   (unsigned long long)r->rest.bytes);
    word(line, "rest", value, sizeof value);
    assert_string_equal(value, expected);
}

/* ---- stories ---- */

static void a_line_says_what_the_record_says(husk_heap *heap)
{
    char line[4096], cut[20];
    TRY_OK(record_kinds(12));
    for (size_t i = 0; i < 12; i++)
        TRY(litter(heap, record_kind[i]));
    TRY(litter(heap, type_node));
    assert_int_equal(husk_heap_collect(heap, NULL), HUSK_OK);
    husk_pass_record r;
    record_latest(heap, &r);
    size_t length = husk_pass_line(heap, &r, line, sizeof line);
    assert_int_equal(length, strlen(line));
    assert_null(strchr(line, '\n'));
    compare(line, &r, husk_heap_name(heap));
    memset(cut, 'x', sizeof cut);
    assert_int_equal(husk_pass_line(heap, &r, cut, 10), length);
    assert_memory_equal(cut, "husk-gc p\0xx", 12);
    assert_int_equal(husk_pass_line(heap, &r, NULL, 0), length);
}

/* stderr goes into a file from here to the end, which gives back what was written. */
static FILE *listen(int *saved)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    *saved = dup(STDERR_FILENO);
    assert_true(*saved >= 0);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    return file;
}

static void listen_end(FILE *file, int saved, char *text, size_t room)
{
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    assert_int_equal(close(saved), 0);
    rewind(file);
    text[fread(text, 1, room - 1, file)] = 0;
    assert_int_equal(fclose(file), 0);
}

/* What HUSK_GCTRACE prints of some passes of a heap of this name. */
static void printed_by(const char *name, char *text, size_t room)
{
    int saved;
    FILE *file = listen(&saved);
    husk_heap_options options = { HUSK_HEAP_OPTIONS, .name = name };
    husk_heap *heap = NULL;
    bool made = husk_heap_new(&options, &heap) == HUSK_OK;
    for (int i = 0; made && i < 3; i++) {
        (void)(litter(heap, type_node) && litter(heap, type_hooked));
        (void)husk_heap_collect(heap, NULL);
    }
    husk_heap_close(heap);
    listen_end(file, saved, text, room);
    assert_true(made);
}

static void gctrace_prints_a_line_for_each_pass(husk_heap *heap)
{
    char text[20000], value[256], *save = NULL;
    unsigned lines = 0;
    (void)heap;
    assert_int_equal(setenv("HUSK_GCTRACE", "1", 1), 0);
    printed_by("of three=words,\n\xff and more", text, sizeof text);
    assert_int_equal(unsetenv("HUSK_GCTRACE"), 0);
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        lines++;
        assert_int_equal(number(line, "pass"), lines);
        word(line, "heap", value, sizeof value);
        assert_string_equal(value, "of%20three%3dwords%2c%0a%ff%20and%20more");
        word(line, "by", value, sizeof value);
        assert_string_equal(value, lines > 3 ? "close" : "call");
        if (lines > 3)
            continue;
        assert_int_equal(number(line, "freed"), 2);
        assert_int_equal(number(line, "finalized"), 1);
        assert_int_equal(number(line, "candidates"), 2);
    }
    assert_true(lines >= 4);
    /* Off: nothing. */
    static const char *const off[] = { "0", "" };
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(setenv("HUSK_GCTRACE", off[i], 1), 0);
        printed_by("quiet", text, sizeof text);
        assert_string_equal(text, "");
    }
    assert_int_equal(unsetenv("HUSK_GCTRACE"), 0);
}

static void gctrace_refuses_other_values(husk_heap *heap)
{
    static const char *const wrong[] = { "2", "yes", "1 ", " 1", "01", "on" };
    (void)heap;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        husk_heap *other = NULL;
        char expected[80];
        assert_int_equal(setenv("HUSK_GCTRACE", wrong[i], 1), 0);
        assert_int_equal(husk_heap_new(NULL, &other), HUSK_EINVAL);
        assert_null(other);
        (void)snprintf(expected, sizeof expected, "HUSK_GCTRACE=%s: it is 1, or 0 for off", wrong[i]);
        assert_string_equal(husk_message(), expected);
    }
    assert_int_equal(unsetenv("HUSK_GCTRACE"), 0);
}

/* Any variable: a program that ends without a word, as README.md's did, left its user to guess. */
static void what_is_not_understood_is_told(husk_heap *heap)
{
    static const char *const wrong[][2] = {
        { "HUSK_GCTRACE", "yes" }, { "HUSK_GCSTAT", "on" }, { "HUSK_STRESS", "often" }, { "HUSK_TRACE", "8:" }
    };
    (void)heap;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[1000], expected[600], begin[60];
        int saved;
        husk_heap *other = NULL;
        const char *was = getenv(wrong[i][0]);
        char old[64];
        (void)snprintf(old, sizeof old, "%s", was ? was : "");
        assert_int_equal(setenv(wrong[i][0], wrong[i][1], 1), 0);
        FILE *file = listen(&saved);
        husk_status status = husk_heap_new(NULL, &other);
        listen_end(file, saved, text, sizeof text);
        assert_int_equal(was ? setenv(wrong[i][0], old, 1) : unsetenv(wrong[i][0]), 0);
        assert_int_equal(status, HUSK_EINVAL);
        assert_null(other);
        (void)snprintf(expected, sizeof expected, "husk: %s\n", husk_message());
        assert_string_equal(text, expected);
        (void)snprintf(begin, sizeof begin, "husk: %s=%s: it is ", wrong[i][0], wrong[i][1]);
        assert_memory_equal(text, begin, strlen(begin));
    }
}

STORIES(STORY(a_line_says_what_the_record_says, 0),
        STORY(gctrace_prints_a_line_for_each_pass, STORY_NO_FAULT),
        STORY(gctrace_refuses_other_values, STORY_NO_FAULT),
        STORY(what_is_not_understood_is_told, STORY_NO_FAULT));
