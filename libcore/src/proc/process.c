/* proc/process.c: the memory of one process: statm, status, stat, smaps_rollup. */
#define _GNU_SOURCE
#include "proc/fields.h"
#include "proc/parse.h"
#include "proc/read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct husk__key status_keys[] = {
    { "VmHWM", HUSK_PROCESS_PEAK_RSS, false },     { "VmPeak", HUSK_PROCESS_PEAK_VMS, false },
    { "RssAnon", HUSK_PROCESS_RSS_ANON, false },   { "RssFile", HUSK_PROCESS_RSS_FILE, false },
    { "RssShmem", HUSK_PROCESS_RSS_SHMEM, false }, { "VmSwap", HUSK_PROCESS_VM_SWAP, false },
    { "VmPTE", HUSK_PROCESS_PAGE_TABLES, false },  { "VmLck", HUSK_PROCESS_LOCKED, false },
    { "VmPin", HUSK_PROCESS_PINNED, false },       { "VmStk", HUSK_PROCESS_STACK, false },
    { "Threads", HUSK_PROCESS_THREADS, true },
};

static const struct husk__key rollup_keys[] = {
    { "Pss", HUSK_PROCESS_PSS, false },
    { "Pss_Anon", HUSK_PROCESS_PSS_ANON, false },
    { "Pss_File", HUSK_PROCESS_PSS_FILE, false },
    { "Pss_Shmem", HUSK_PROCESS_PSS_SHMEM, false },
    { "Shared_Clean", HUSK_PROCESS_SHARED_CLEAN, false },
    { "Shared_Dirty", HUSK_PROCESS_SHARED_DIRTY, false },
    { "Private_Clean", HUSK_PROCESS_PRIVATE_CLEAN, false },
    { "Private_Dirty", HUSK_PROCESS_PRIVATE_DIRTY, false },
    { "Private_Hugetlb", HUSK_PROCESS_HUGETLB, false },
    { "Referenced", HUSK_PROCESS_REFERENCED, false },
    { "Anonymous", HUSK_PROCESS_ANONYMOUS, false },
    { "LazyFree", HUSK_PROCESS_LAZY_FREE, false },
    { "AnonHugePages", HUSK_PROCESS_ANON_HUGE, false },
    { "Swap", HUSK_PROCESS_SWAP, false },
    { "SwapPss", HUSK_PROCESS_SWAP_PSS, false },
};

/* The first two numbers that statm has must be there: without them it is no statm. Those of libraries and dirty
 * pages have been 0 since Linux 2.6, and are left out. */
static husk_status read_statm(const struct husk__proc *proc, husk_process_memory *out)
{
    static const int numbers[] = {
        HUSK_PROCESS_VMS, HUSK_PROCESS_RSS, HUSK_PROCESS_SHARED, HUSK_PROCESS_TEXT, -1, HUSK_PROCESS_DATA
    };
    char text[256];
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), pages;
    if (husk__read_small(proc->dir, "statm", text, sizeof text) < 0)
        return husk__proc_fail(proc, "statm", errno);
    const char *at = text;
    for (size_t i = 0; i < COUNT(numbers) && husk__parse_u64(&at, &pages); i++)
        if (numbers[i] >= 0 && pages <= UINT64_MAX / page)
            husk__field_set(out, (size_t)numbers[i], pages * page);
    if (!HUSK_KNOWS(*out, HUSK_PROCESS_RSS))
        return husk_fail(HUSK_EIO, "%s: statm: not as it should be: \"%.*s\"", proc->name,
                         (int)strcspn(text, "\n"), text);
    return HUSK_OK;
}

static husk_status read_status(const struct husk__proc *proc, husk_process_memory *out)
{
    struct husk__lines lines;
    if (!husk__lines_open(&lines, proc->dir, "status"))
        return husk__proc_fail(proc, "status", errno);
    for (const char *line; (line = husk__line_next(&lines));)
        (void)husk__field_line(out, status_keys, COUNT(status_keys), ':', line, false);
    husk__lines_close(&lines);
    return lines.error ? husk__proc_fail(proc, "status", lines.error) : HUSK_OK;
}

/* The name of the program may hold anything, parentheses too: numbers begin behind the last one. */
static husk_status read_stat(const struct husk__proc *proc, husk_process_memory *out)
{
    enum { STATE = 3, MINOR = 10, MAJOR = 12 };
    char text[2048];
    if (husk__read_small(proc->dir, "stat", text, sizeof text) < 0)
        return husk__proc_fail(proc, "stat", errno);
    const char *at = strrchr(text, ')');
    for (int field = STATE; at && field <= MAJOR; field++) {
        at = strchr(at, ' ');
        if (!at)
            break;
        at++;
        const char *number = at;
        uint64_t value = 0;
        if ((field == MINOR || field == MAJOR) && husk__parse_u64(&number, &value))
            husk__field_set(out, field == MINOR ? HUSK_PROCESS_MINOR_FAULTS : HUSK_PROCESS_MAJOR_FAULTS,
                            value);
    }
    return HUSK_OK;
}

/* Where there is no smaps_rollup (before Linux 4.14), the same keys of all mappings are added up. */
static husk_status read_full(const struct husk__proc *proc, husk_process_memory *out)
{
    struct husk__lines lines;
    const char *file = "smaps_rollup";
    if (!husk__lines_open(&lines, proc->dir, file)) {
        if (errno != ENOENT)
            return husk__proc_fail(proc, file, errno);
        file = "smaps";
        if (!husk__lines_open(&lines, proc->dir, file))
            return husk__proc_fail(proc, file, errno);
    }
    for (const char *line; (line = husk__line_next(&lines));)
        (void)husk__field_line(out, rollup_keys, COUNT(rollup_keys), ':', line, true);
    husk__lines_close(&lines);
    if (lines.error)
        return husk__proc_fail(proc, file, lines.error);
    if (HUSK_KNOWS(*out, HUSK_PROCESS_PRIVATE_CLEAN) && HUSK_KNOWS(*out, HUSK_PROCESS_PRIVATE_DIRTY))
        husk__field_set(out, HUSK_PROCESS_USS, out->private_clean + out->private_dirty + out->hugetlb);
    return HUSK_OK;
}

husk_status husk_process_memory_get(int64_t pid, uint32_t ask, husk_process_memory *out)
{
    static const struct {
        uint32_t ask;
        husk_status (*read)(const struct husk__proc *proc, husk_process_memory *out);
    } reads[] = { { HUSK_ASK_BASIC, read_statm },
                  { HUSK_ASK_STATUS, read_status },
                  { HUSK_ASK_STATUS, read_stat },
                  { HUSK_ASK_FULL, read_full } };
    *out = (husk_process_memory){ 0 };
    if (ask & ~(uint32_t)HUSK_ASK_ALL)
        return husk_fail(HUSK_EINVAL, "memory of a process: no such question: %#x", ask);
    struct husk__proc proc;
    husk_status status = husk__proc_open(pid, &proc), failed = HUSK_OK;
    if (status)
        return status;
    status = husk__proc_alive(&proc);
    for (size_t r = 0; !status && r < COUNT(reads); r++) {
        husk_status one = ask & reads[r].ask ? reads[r].read(&proc, out) : HUSK_OK;
        failed = one ? one : failed; /* what one file refuses another may tell */
    }
    husk__proc_close(&proc);
    return status ? status : failed;
}

husk_status husk_process_reset_peak(int64_t pid)
{
    struct husk__proc proc;
    husk_status status = husk__proc_open(pid, &proc);
    if (status)
        return status;
    status = husk__proc_alive(&proc);
    int fd = status ? -1 : openat(proc.dir, "clear_refs", O_WRONLY | O_CLOEXEC);
    if (!status && (fd < 0 || write(fd, "5", 1) != 1))
        status = husk__proc_fail(&proc, "clear_refs", errno);
    if (fd >= 0)
        close(fd);
    husk__proc_close(&proc);
    return status;
}
