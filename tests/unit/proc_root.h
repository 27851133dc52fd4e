/* tests/unit/proc_root.h: a /proc and /sys of the test's own, in a folder that goes when the test ends. */
#ifndef TESTS_UNIT_PROC_ROOT_H
#define TESTS_UNIT_PROC_ROOT_H

#include "fixture.h"

#include "proc/read.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char proc_root[64];

static inline int proc_root_setup(void **state)
{
    (void)state;
    strcpy(proc_root, "/tmp/husk-proc-XXXXXX");
    if (!mkdtemp(proc_root))
        return -1;
    husk__system_set_root(proc_root);
    return 0;
}

static inline int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
    (void)stat, (void)kind, (void)ftw;
    return remove(path);
}

static inline int proc_root_teardown(void **state)
{
    (void)state;
    husk__system_set_root("");
    return nftw(proc_root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Bytes. */
static inline uint64_t page(void)
{
    return (uint64_t)sysconf(_SC_PAGESIZE);
}

#define ROOT_TEST(function) cmocka_unit_test_setup_teardown(function, proc_root_setup, proc_root_teardown)

/* Writes a file below the root, with the folders above it. */
static inline void put_bytes(const char *path, const void *bytes, size_t length)
{
    char at[512];
    snprintf(at, sizeof at, "%s/%s", proc_root, path);
    for (char *slash = at + strlen(proc_root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        (void)mkdir(at, 0700);
        *slash = '/';
    }
    FILE *file = fopen(at, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static inline void put(const char *path, const char *text)
{
    put_bytes(path, text, strlen(text));
}

static inline void take_away(const char *path)
{
    char at[512];
    snprintf(at, sizeof at, "%s/%s", proc_root, path);
    assert_int_equal(remove(at), 0);
}

/* The latest message has these words. */
static inline void expect_message(const char *words)
{
    if (!strstr(husk_message(), words))
        fail_msg("wanted a message with \"%s\", got \"%s\"", words, husk_message());
    assert_null(strchr(husk_message(), '\n'));
}

#endif
