/* proc/cgroup.c: the control group that limits a process's memory.
 *
 * /proc/<pid>/cgroup names the group: "<id>:memory:<path>" in version 1, "0::<path>" in version 2. Both may
 * be there (a hybrid system): then the memory controller is version 1's, or nobody's. /proc/self/mountinfo
 * says where the tree is mounted, and which of its groups stands at the mount's root: containers see a part
 * of the tree. A limit above holds for all below, so the way up to the mount's root is gone through. */
#define _GNU_SOURCE
#include "proc/fields.h"
#include "proc/parse.h"
#include "proc/read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { PATH_ROOM = 4096 };

struct where {
    uint64_t version;
    char path[PATH_ROOM];  /* of the group, in its tree */
    char mount[PATH_ROOM]; /* where that tree is seen */
    char root[PATH_ROOM];  /* the group that is seen there */
};

/* From here on (in pages, rounded) version 1 means that there is no limit. */
#define V1_NONE ((uint64_t)INT64_MAX / 65536 * 65536)

static const struct husk__key stat_v2[] = {
    { "anon", HUSK_CGROUP_ANONYMOUS, true },
    { "file", HUSK_CGROUP_FILE, true },
    { "kernel", HUSK_CGROUP_KERNEL, true },
    { "shmem", HUSK_CGROUP_SHMEM, true },
    { "inactive_file", HUSK_CGROUP_INACTIVE_FILE, true },
};
static const struct husk__key stat_v1[] = {
    { "total_rss", HUSK_CGROUP_ANONYMOUS, true },
    { "total_cache", HUSK_CGROUP_FILE, true },
    { "total_shmem", HUSK_CGROUP_SHMEM, true },
    { "total_inactive_file", HUSK_CGROUP_INACTIVE_FILE, true },
};
static const struct husk__key events_v2[] = {
    { "high", HUSK_CGROUP_HIGH_EVENTS, true },
    { "max", HUSK_CGROUP_MAX_EVENTS, true },
    { "oom", HUSK_CGROUP_OOM_EVENTS, true },
    { "oom_kill", HUSK_CGROUP_OOM_KILLS, true },
};
static const struct husk__key control_v1[] = { { "oom_kill", HUSK_CGROUP_OOM_KILLS, true } };

/* Files with one number. */
struct single {
    const char *file;
    uint8_t number;
};
static const struct single singles_v2[] = {
    { "memory.high", HUSK_CGROUP_HIGH },
    { "memory.current", HUSK_CGROUP_CURRENT },
    { "memory.peak", HUSK_CGROUP_PEAK },
    { "memory.swap.max", HUSK_CGROUP_SWAP_LIMIT },
    { "memory.swap.current", HUSK_CGROUP_SWAP_CURRENT },
};
static const struct single singles_v1[] = {
    { "memory.soft_limit_in_bytes", HUSK_CGROUP_HIGH },
    { "memory.usage_in_bytes", HUSK_CGROUP_CURRENT },
    { "memory.max_usage_in_bytes", HUSK_CGROUP_PEAK },
    { "memory.memsw.limit_in_bytes", HUSK_CGROUP_SWAP_LIMIT },
    { "memory.memsw.usage_in_bytes", HUSK_CGROUP_SWAP_CURRENT },
    { "memory.kmem.usage_in_bytes", HUSK_CGROUP_KERNEL },
    { "memory.failcnt", HUSK_CGROUP_MAX_EVENTS },
};

/* "a,memory,b" has "memory". */
static bool has_word(const char *list, const char *word, char sign)
{
    size_t length = strlen(word);
    for (const char *at = list; at; at = strchr(at, sign)) {
        at += *at == sign;
        if (strncmp(at, word, length) == 0 && (at[length] == sign || !at[length]))
            return true;
    }
    return false;
}

/* A word of mountinfo, in which \040 and the like stand for blanks. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from;) {
        if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' && from[2] <= '7' &&
            from[3] >= '0' && from[3] <= '7') {
            *to++ = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    *to = 0;
}

static bool copy(char *to, const char *from)
{
    size_t length = strlen(from);
    if (length >= PATH_ROOM)
        return false;
    memcpy(to, from, length + 1);
    return true;
}

static bool find_path(const struct husk__proc *proc, struct where *where, husk_status *status)
{
    struct husk__lines lines;
    if (!husk__lines_open(&lines, proc->dir, "cgroup")) {
        *status = husk__proc_fail(proc, "cgroup", errno);
        return false;
    }
    for (char *line; (line = husk__line_next(&lines));) {
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path || path[1] != '/')
            continue;
        *controllers++ = 0;
        *path++ = 0;
        bool v1 = has_word(controllers, "memory", ',');
        bool v2 = !where->version && strcmp(line, "0") == 0 && !*controllers;
        if ((v1 || v2) && copy(where->path, path))
            where->version = v1 ? 1 : 2;
        if (v1)
            break;
    }
    husk__lines_close(&lines);
    *status = lines.error ? husk__proc_fail(proc, "cgroup", lines.error)
              : where->version
                  ? HUSK_OK
                  : husk_fail(HUSK_EMISSING, "%s: no control group limits its memory", proc->name);
    return *status == HUSK_OK;
}

/* "36 35 0:29 root mount options ... - type source super-options" */
static bool find_mount(struct where *where)
{
    struct husk__lines lines;
    int dir = husk__system_dir("/proc/self");
    if (dir < 0)
        return false;
    bool found = husk__lines_open(&lines, dir, "mountinfo");
    close(dir);
    if (!found)
        return false;
    found = false;
    for (char *line; !found && (line = husk__line_next(&lines));) {
        char *words[5], *rest = line, *type = strstr(line, " - ");
        size_t n = 0;
        while (n < COUNT(words) && (words[n] = strsep(&rest, " ")))
            n++;
        if (n < COUNT(words) || !type || type < words[4])
            continue;
        type += 3;
        char *source = strchr(type, ' ');
        char *options = source ? strchr(source + 1, ' ') : NULL;
        if (!options)
            continue;
        *source = 0;
        bool fits = where->version == 2 ? strcmp(type, "cgroup2") == 0
                                        : strcmp(type, "cgroup") == 0 && has_word(options + 1, "memory", ',');
        if (!fits)
            continue;
        unescape(words[3]);
        unescape(words[4]);
        found = copy(where->root, words[3]) && copy(where->mount, words[4]);
    }
    husk__lines_close(&lines);
    return found;
}

/* The group's path below the mount; false: it lies beside what is mounted here. */
static const char *below_mount(const struct where *where)
{
    size_t length = strcmp(where->root, "/") == 0 ? 0 : strlen(where->root);
    if (strncmp(where->path, where->root, length) != 0 || (where->path[length] && where->path[length] != '/'))
        return NULL;
    return where->path + length;
}

/* The number in a file; "max" and version 1's largest are none. */
static bool read_number(int dir, const char *file, uint64_t version, uint64_t *out)
{
    char text[64];
    const char *at = text;
    return husk__read_small(dir, file, text, sizeof text) > 0 && husk__parse_u64(&at, out) &&
           (*at == '\n' || !*at) && (version == 2 || *out < V1_NONE);
}

static void read_lines(int dir, const char *file, const struct husk__key *keys, size_t count,
                       husk_cgroup_memory *out)
{
    struct husk__lines lines;
    if (!husk__lines_open(&lines, dir, file))
        return;
    for (const char *line; (line = husk__line_next(&lines));)
        if (keys)
            (void)husk__field_line(out, keys, count, ' ', line, false);
        else
            husk__field_pressure(out, HUSK_CGROUP_SOME_10, line);
    husk__lines_close(&lines);
}

static void read_group(int dir, uint64_t version, husk_cgroup_memory *out)
{
    const struct single *singles = version == 2 ? singles_v2 : singles_v1;
    size_t count = version == 2 ? COUNT(singles_v2) : COUNT(singles_v1);
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++)
        if (read_number(dir, singles[i].file, version, &value))
            husk__field_set(out, singles[i].number, value);
    if (version == 2) {
        read_lines(dir, "memory.stat", stat_v2, COUNT(stat_v2), out);
        read_lines(dir, "memory.events", events_v2, COUNT(events_v2), out);
    } else {
        read_lines(dir, "memory.stat", stat_v1, COUNT(stat_v1), out);
        read_lines(dir, "memory.oom_control", control_v1, COUNT(control_v1), out);
    }
    read_lines(dir, "memory.pressure", NULL, 0, out);
}

/* From the group up to the mount's root. */
static husk_status read_tree(const struct husk__proc *proc, struct where *where, husk_cgroup_memory *out)
{
    const char *below = below_mount(where);
    char path[2 * PATH_ROOM];
    const char *limit = where->version == 2 ? "memory.max" : "memory.limit_in_bytes";
    bool first = true;
    uint64_t value = 0;
    size_t mount = strlen(where->mount);
    /* Beside the mount (a namespace of its own): what is mounted is all that can be seen. */
    (void)snprintf(path, sizeof path, "%s%s", where->mount, below ? below : "");
    for (;;) {
        int dir = husk__system_dir(path);
        if (dir < 0 && first)
            return husk_fail(errno == ENOENT ? HUSK_EMISSING : HUSK_EIO, "%s: its control group: %.300s: %s",
                             proc->name, path, strerror(errno));
        if (dir >= 0) {
            if (first)
                read_group(dir, where->version, out);
            if (read_number(dir, limit, where->version, &value) &&
                (!HUSK_KNOWS(*out, HUSK_CGROUP_LIMIT) || value < out->limit))
                husk__field_set(out, HUSK_CGROUP_LIMIT, value);
            close(dir);
        }
        first = false;
        char *slash = strrchr(path, '/');
        if (!slash || slash < path + mount)
            return HUSK_OK;
        *slash = 0;
    }
}

static husk_status find(int64_t pid, struct husk__proc *proc, struct where *where)
{
    husk_status status = husk__proc_open(pid, proc);
    if (status)
        return status;
    where->version = 0;
    (void)find_path(proc, where, &status);
    return status;
}

husk_status husk_cgroup_memory_get(int64_t pid, husk_cgroup_memory *out)
{
    struct husk__proc proc;
    struct where where;
    *out = (husk_cgroup_memory){ 0 };
    husk_status status = find(pid, &proc, &where);
    if (!status) {
        husk__field_set(out, HUSK_CGROUP_VERSION, where.version);
        status =
            find_mount(&where)
                ? read_tree(&proc, &where, out)
                : husk_fail(HUSK_EMISSING, "%s: the files of its control group are not mounted", proc.name);
    }
    husk__proc_close(&proc);
    return status;
}

husk_status husk_cgroup_path(int64_t pid, char *buffer, size_t room)
{
    struct husk__proc proc;
    struct where where;
    if (room)
        buffer[0] = 0;
    husk_status status = find(pid, &proc, &where);
    if (!status && room)
        (void)snprintf(buffer, room, "%s", where.path);
    husk__proc_close(&proc);
    return status;
}
