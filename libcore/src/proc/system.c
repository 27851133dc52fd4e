/* proc/system.c: the memory of the machine: meminfo, vmstat, pressure/memory. */
#define _GNU_SOURCE
#include "proc/fields.h"
#include "proc/parse.h"
#include "proc/read.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct husk__key meminfo_keys[] = {
    { "MemTotal", HUSK_SYSTEM_TOTAL, false },
    { "MemAvailable", HUSK_SYSTEM_AVAILABLE, false },
    { "MemFree", HUSK_SYSTEM_FREE, false },
    { "Buffers", HUSK_SYSTEM_BUFFERS, false },
    { "Cached", HUSK_SYSTEM_CACHED, false },
    { "Shmem", HUSK_SYSTEM_SHARED, false },
    { "Active", HUSK_SYSTEM_ACTIVE, false },
    { "Inactive", HUSK_SYSTEM_INACTIVE, false },
    { "AnonPages", HUSK_SYSTEM_ANONYMOUS, false },
    { "Mapped", HUSK_SYSTEM_MAPPED, false },
    { "Dirty", HUSK_SYSTEM_DIRTY, false },
    { "Slab", HUSK_SYSTEM_SLAB, false },
    { "SReclaimable", HUSK_SYSTEM_RECLAIMABLE, false },
    { "PageTables", HUSK_SYSTEM_PAGE_TABLES, false },
    { "Committed_AS", HUSK_SYSTEM_COMMITTED, false },
    { "CommitLimit", HUSK_SYSTEM_COMMIT_LIMIT, false },
    { "SwapTotal", HUSK_SYSTEM_SWAP_TOTAL, false },
    { "SwapFree", HUSK_SYSTEM_SWAP_FREE, false },
    { "SwapCached", HUSK_SYSTEM_SWAP_CACHED, false },
};

/* In pages. */
static const struct husk__key vmstat_keys[] = {
    { "pswpin", HUSK_SYSTEM_SWAP_IN, true },
    { "pswpout", HUSK_SYSTEM_SWAP_OUT, true },
    { "oom_kill", HUSK_SYSTEM_OOM_KILLS, true },
};

static void pages_to_bytes(husk_system_memory *out, size_t number, uint64_t *pages)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    if (HUSK_KNOWS(*out, number))
        *pages = *pages <= UINT64_MAX / page ? *pages * page : UINT64_MAX;
}

static void read_vmstat(int dir, husk_system_memory *out)
{
    struct husk__lines lines;
    if (!husk__lines_open(&lines, dir, "vmstat"))
        return;
    for (const char *line; (line = husk__line_next(&lines));)
        (void)husk__field_line(out, vmstat_keys, COUNT(vmstat_keys), ' ', line, false);
    husk__lines_close(&lines);
    pages_to_bytes(out, HUSK_SYSTEM_SWAP_IN, &out->swap_in);
    pages_to_bytes(out, HUSK_SYSTEM_SWAP_OUT, &out->swap_out);
}

static void read_pressure(int dir, husk_system_memory *out)
{
    struct husk__lines lines;
    if (!husk__lines_open(&lines, dir, "pressure/memory"))
        return;
    for (const char *line; (line = husk__line_next(&lines));)
        husk__field_pressure(out, HUSK_SYSTEM_SOME_10, line);
    husk__lines_close(&lines);
}

static void derive(husk_system_memory *out)
{
    if (HUSK_KNOWS(*out, HUSK_SYSTEM_TOTAL) && HUSK_KNOWS(*out, HUSK_SYSTEM_AVAILABLE) &&
        out->total >= out->available)
        husk__field_set(out, HUSK_SYSTEM_USED, out->total - out->available);
    if (HUSK_KNOWS(*out, HUSK_SYSTEM_SWAP_TOTAL) && HUSK_KNOWS(*out, HUSK_SYSTEM_SWAP_FREE) &&
        out->swap_total >= out->swap_free)
        husk__field_set(out, HUSK_SYSTEM_SWAP_USED, out->swap_total - out->swap_free);
}

husk_status husk_system_memory_get(husk_system_memory *out)
{
    struct husk__lines lines;
    *out = (husk_system_memory){ 0 };
    int dir = husk__system_dir("/proc");
    if (dir < 0)
        return husk_fail(HUSK_EIO, "memory of the system: /proc: %s", strerror(errno));
    husk_status status = HUSK_OK;
    if (!husk__lines_open(&lines, dir, "meminfo")) {
        status = husk_fail(errno == ENOENT ? HUSK_EMISSING : HUSK_EIO,
                           "memory of the system: /proc/meminfo: %s", strerror(errno));
    } else {
        for (const char *line; (line = husk__line_next(&lines));)
            (void)husk__field_line(out, meminfo_keys, COUNT(meminfo_keys), ':', line, false);
        husk__lines_close(&lines);
        if (lines.error)
            status = husk_fail(HUSK_EIO, "memory of the system: /proc/meminfo: %s", strerror(lines.error));
        else if (!HUSK_KNOWS(*out, HUSK_SYSTEM_TOTAL))
            status = husk_fail(HUSK_EIO, "memory of the system: /proc/meminfo: does not tell MemTotal");
    }
    read_vmstat(dir, out);
    read_pressure(dir, out);
    close(dir);
    derive(out);
    return status;
}
