/* proc/smaps.c: /proc/<pid>/maps and smaps, a mapping at a time.
 *
 *   5578bd88a000-5578bd88c000 r--p 00000000 fe:00 247278                     /usr/bin/head
 *   Rss:                   8 kB                                              smaps: then its numbers
 *
 * A line that begins with a (lower-case) hexadecimal digit begins a mapping; keys begin with a capital. The
 * path is the rest of its line; the kernel writes \012 for a newline in it and nothing else, so a file whose
 * name holds these four characters cannot be told from it. */
#define _GNU_SOURCE
#include "proc/smaps.h"

#include "proc/fields.h"
#include "proc/parse.h"

#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct husk__key keys[] = {
    { "Rss", HUSK_MAP_RSS, false },
    { "Pss", HUSK_MAP_PSS, false },
    { "Shared_Clean", HUSK_MAP_SHARED_CLEAN, false },
    { "Shared_Dirty", HUSK_MAP_SHARED_DIRTY, false },
    { "Private_Clean", HUSK_MAP_PRIVATE_CLEAN, false },
    { "Private_Dirty", HUSK_MAP_PRIVATE_DIRTY, false },
    { "Referenced", HUSK_MAP_REFERENCED, false },
    { "Anonymous", HUSK_MAP_ANONYMOUS, false },
    { "LazyFree", HUSK_MAP_LAZY_FREE, false },
    { "AnonHugePages", HUSK_MAP_ANON_HUGE, false },
    { "Swap", HUSK_MAP_SWAP, false },
    { "SwapPss", HUSK_MAP_SWAP_PSS, false },
    { "Locked", HUSK_MAP_LOCKED, false },
};

const char *husk_map_kind_name(husk_map_kind kind)
{
    static const char *const names[] = { "file", "heap", "stack", "shared", "anonymous", "kernel" };
    _Static_assert(COUNT(names) == HUSK_MAP_KINDS, "a name for each kind");
    return (unsigned)kind < HUSK_MAP_KINDS ? names[kind] : NULL;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static husk_map_kind kind_of(const char *path, bool is_shared, uint64_t inode)
{
    static const char *const shared[] = { "/memfd:", "/SYSV", "/dev/shm/", "[anon_shmem:" };
    if (!*path || begins(path, "[anon:") || begins(path, "/anon_hugepage"))
        return is_shared ? HUSK_MAP_OF_SHARED : HUSK_MAP_OF_ANONYMOUS;
    if (begins(path, "/dev/zero"))
        return is_shared ? HUSK_MAP_OF_SHARED : HUSK_MAP_OF_ANONYMOUS;
    for (size_t i = 0; i < COUNT(shared); i++)
        if (begins(path, shared[i]))
            return HUSK_MAP_OF_SHARED;
    if (strcmp(path, "[heap]") == 0)
        return HUSK_MAP_OF_HEAP;
    if (begins(path, "[stack"))
        return HUSK_MAP_OF_STACK;
    return *path == '[' && inode == 0 ? HUSK_MAP_OF_KERNEL : HUSK_MAP_OF_FILE;
}

/* Newlines as they are, and without the kernel's word for a file that has no name any more. */
static size_t copy_path(char *to, const char *from, bool *deleted)
{
    static const char word[] = " (deleted)";
    size_t length = 0;
    while (*from) {
        bool newline = strncmp(from, "\\012", 4) == 0;
        to[length++] = newline ? '\n' : *from;
        from += newline ? 4 : 1;
    }
    size_t tail = sizeof word - 1;
    *deleted = length > tail && memcmp(to + length - tail, word, tail) == 0;
    length -= *deleted ? tail : 0;
    to[length] = 0;
    return length;
}

static bool parse_device(const char **at)
{
    uint64_t major, minor;
    return husk__parse_hex(at, &major) && *(*at)++ == ':' && husk__parse_hex(at, &minor);
}

/* false: it is no first line of a mapping. */
static bool parse_map(struct husk__smaps *smaps, const char *line, husk_map *out)
{
    const char *at = line;
    *out = (husk_map){ .path = smaps->path, .count = 1 };
    if (!husk__parse_hex(&at, &out->start) || *at++ != '-' || !husk__parse_hex(&at, &out->end) ||
        *at++ != ' ' || out->end <= out->start)
        return false;
    for (int i = 0; i < 4; i++, at++) {
        if (!*at || *at == ' ')
            return false;
        out->permissions[i] = *at;
    }
    if (*at++ != ' ' || !husk__parse_hex(&at, &out->offset) || *at++ != ' ' || !parse_device(&at) ||
        !husk__parse_u64(&at, &out->inode))
        return false;
    husk__parse_blanks(&at);
    out->bytes = out->end - out->start;
    out->path_length = copy_path(smaps->path, at, &out->deleted);
    out->kind = kind_of(smaps->path, out->permissions[3] == 's', out->inode);
    if (strcmp(smaps->path, "[stack]") == 0)
        out->thread = smaps->proc->pid;
    return true;
}

/* Notes the inaccessible mapping that thread stacks have below them. */
static void note_guard(struct husk__smaps *smaps, const husk_map *map)
{
    smaps->guard_end = smaps->last_guard ? smaps->last_end : 0;
    smaps->last_guard = map->kind == HUSK_MAP_OF_ANONYMOUS && memcmp(map->permissions, "---", 3) == 0;
    smaps->last_end = map->end;
}

husk_status husk__smaps_open(struct husk__smaps *smaps, const struct husk__proc *proc, bool sizes)
{
    smaps->proc = proc;
    smaps->file = sizes ? "smaps" : "maps";
    smaps->guard_end = smaps->last_end = 0;
    smaps->last_guard = false;
    return husk__lines_open(&smaps->lines, proc->dir, smaps->file)
               ? HUSK_OK
               : husk__proc_fail(proc, smaps->file, errno);
}

bool husk__smaps_next(struct husk__smaps *smaps, husk_map *out)
{
    char *line;
    while ((line = husk__line_next(&smaps->lines)) && !parse_map(smaps, line, out))
        ;
    if (!line)
        return false;
    note_guard(smaps, out);
    bool lost = false; /* a line is neither: what follows may belong to something else */
    while ((line = husk__line_next(&smaps->lines))) {
        if ((*line >= '0' && *line <= '9') || (*line >= 'a' && *line <= 'f')) {
            husk__line_again(&smaps->lines, line);
            break;
        }
        lost = lost || line[strcspn(line, ": ")] != ':';
        if (!lost)
            (void)husk__field_line(&out->memory, keys, COUNT(keys), ':', line, false);
    }
    return true;
}

husk_status husk__smaps_close(struct husk__smaps *smaps)
{
    int error = smaps->lines.error;
    husk__lines_close(&smaps->lines);
    return error ? husk__proc_fail(smaps->proc, smaps->file, error) : HUSK_OK;
}
