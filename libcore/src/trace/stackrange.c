/* trace/stackrange.c: see stackrange.h. The kernel's own list of mappings (proc(5), /proc/self/maps) is asked, not the
 * thread library: pthread_getattr_np takes locks and memory, and knows nothing of stacks that a program made itself
 * for coroutines or signals. System calls are made directly, since open and read are cancellation points. */
#define _GNU_SOURCE
#include "trace/stackrange.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The first thread's stack grows downwards when it is touched, into a gap that the system keeps free: as far as
 * 128 MiB at least (mmap_base of the kernel). */
#define GROWTH ((uintptr_t)128 << 20)
#define PAGE ((uintptr_t)4096)

/* A line of maps: low-high permissions ... name, read one byte after the other. */
struct line {
    uintptr_t low, high;
    enum { IN_LOW, IN_HIGH, IN_PERMISSIONS, IN_REST } at;
    char permissions[4];
    unsigned permission_count;
    char last[8]; /* the line's last bytes: "[stack]" is a name */
    unsigned length;
};

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

static void feed(struct line *line, char c)
{
    int value = digit(c);
    switch (line->at) {
    case IN_LOW:
        if (value >= 0)
            line->low = line->low << 4 | (uintptr_t)value;
        else
            line->at = IN_HIGH;
        break;
    case IN_HIGH:
        if (value >= 0)
            line->high = line->high << 4 | (uintptr_t)value;
        else
            line->at = IN_PERMISSIONS;
        break;
    case IN_PERMISSIONS:
        if (line->permission_count < 4)
            line->permissions[line->permission_count++] = c;
        else
            line->at = IN_REST;
        break;
    case IN_REST:
        break;
    }
    line->last[line->length++ % sizeof line->last] = c;
}

static bool is_named_stack(const struct line *line)
{
    static const char name[] = "[stack]";
    unsigned count = sizeof name - 1;
    for (unsigned i = 0; i < count; i++)
        if (line->last[(line->length - count + i) % sizeof line->last] != name[i])
            return false;
    return true;
}

/* At the end of a line: whether it is the one with sp, and then the range. */
static bool take(const struct line *line, uintptr_t before, uintptr_t sp, struct husk__stack_range *out)
{
    if (sp < line->low || sp >= line->high || line->permissions[0] != 'r')
        return false;
    *out = (struct husk__stack_range){ line->low, line->high };
    if (is_named_stack(line)) {
        uintptr_t low = line->high > GROWTH ? line->high - GROWTH : 0;
        if (low < before)
            low = before;
        if (low < out->low)
            out->low = low;
    }
    return true;
}

static bool search(int file, uintptr_t sp, struct husk__stack_range *out)
{
    char bytes[1024];
    struct line line = { 0 };
    uintptr_t before = 0; /* the end of the mapping before this one */
    for (;;) {
        long count = syscall(SYS_read, file, bytes, sizeof bytes);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        for (long i = 0; i < count; i++) {
            if (bytes[i] != '\n') {
                feed(&line, bytes[i]);
                continue;
            }
            if (take(&line, before, sp, out))
                return true;
            before = line.high;
            line = (struct line){ 0 };
        }
    }
}

struct husk__stack_range husk__stack_range_find(uintptr_t sp)
{
    int kept = errno;
    struct husk__stack_range range = { sp & ~(PAGE - 1), (sp & ~(PAGE - 1)) + PAGE };
    long file = syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
    if (file >= 0) {
        (void)search((int)file, sp, &range);
        (void)syscall(SYS_close, (int)file);
    }
    errno = kept;
    return range;
}
