/* preload/options.h: what the environment says. docs/preload.md explains each.
 *
 *   HUSK_PRELOAD_OUT      the file; trace.PID.husk if not set
 *   HUSK_PRELOAD_FRAMES   most frames of a traceback: 1 to 65535; 32
 *   HUSK_PRELOAD_SAMPLE   mean gap of samples in bytes, with K, M or G behind it; 0: everything
 *   HUSK_PRELOAD_FOLLOW   1: children too, each into a file of its own
 *   HUSK_PRELOAD_SIGNAL   a snapshot at each signal of this name or number: USR2, 12
 *   HUSK_PRELOAD_ROOT     the process id that OUT is meant for; the first process sets it */
#ifndef HUSK_PRELOAD_OPTIONS_H
#define HUSK_PRELOAD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PRELOAD_PATH_MOST = 4096 };

struct preload_options {
    char out[PRELOAD_PATH_MOST]; /* absolute; of the root */
    uint32_t frames;
    size_t sample;
    bool follow;
    int signal; /* 0: none */
    pid_t root; /* 0: not set */
};

/* Reads them. false: one of them is wrong, which was said on standard error. */
bool preload_options_read(struct preload_options *out);

/* The file of a process: OUT for the root, else with the process id before the ending; number > 0: of a snapshot by
 * signal, with "-number" there. */
void preload_options_path(const struct preload_options *options, pid_t pid, unsigned number,
                          char path[PRELOAD_PATH_MOST]);

/* One line on standard error, without stdio. */
void preload_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
