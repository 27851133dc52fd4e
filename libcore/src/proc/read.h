/* proc/read.h: the kernel's text files, a line at a time, without asking for memory.
 *
 * A process is its directory, held open: numbers are used again, the directory is not. So what is read of one
 * husk__proc is of one process, or fails. Files grow and shrink while they are read, and names in them are
 * anybody's: whoever parses takes a line that it does not understand for one that is not there. */
#ifndef HUSK_PROC_READ_H
#define HUSK_PROC_READ_H

#include "base/check.h"

#include <husk/status.h>

enum { HUSK__LINES_ROOM = 8192 }; /* more than a line of maps with the longest path */

struct husk__proc {
    int dir;
    int64_t pid;   /* 0: this process */
    char name[32]; /* "process 12", "this process": for messages */
};

/* HUSK_EMISSING, HUSK_EIO, HUSK_EINVAL. */
husk_status husk__proc_open(int64_t pid, struct husk__proc *out);
void husk__proc_close(struct husk__proc *proc);

/* What an error of the system with a file of the process means, with its text. */
husk_status husk__proc_fail(const struct husk__proc *proc, const char *file, int error);

/* The process has memory of its own; HUSK_ESTATE if it is a zombie or a part of the kernel, and as above. */
husk_status husk__proc_alive(const struct husk__proc *proc);

/* Reads at most room - 1 bytes of a file below dir and ends them with a NUL. -1: errno says why not. */
long husk__read_small(int dir, const char *name, char *buffer, size_t room);

/* Lines of a file. On the stack: nothing is asked for. */
struct husk__lines {
    int fd;
    int error;       /* of the system, while reading; the lines end there */
    size_t from, to; /* what is in the buffer and not yet given out */
    bool end;
    char buffer[HUSK__LINES_ROOM];
};

/* false: errno says why not. */
bool husk__lines_open(struct husk__lines *lines, int dir, const char *name);
void husk__lines_close(struct husk__lines *lines);
/* The next line without its end, NUL-terminated, or NULL. One that does not fit the buffer is left out: the
 * kernel has none. Bytes after a NUL are lost. */
char *husk__line_next(struct husk__lines *lines);
/* The line that husk__line_next gave is given again. Once, before anything else. */
void husk__line_again(struct husk__lines *lines, char *line);

/* Where the kernel's files are, for paths that begin with /proc or /sys: for tests, "" at first. Kept. */
void husk__system_set_root(const char *root);
/* An open directory, by such a path; -1: errno says why not. */
int husk__system_dir(const char *path);
bool husk__system_is_real(void);

#endif
