/* husk/process.h: what the system says of memory: of a process, its mappings and threads, its cgroup, the
 * machine.
 *
 * Numbers come in four groups, each a struct and a list that says what every field is. What the system does not
 * tell is absent (HUSK_KNOWS), never 0: kernels, containers and rights differ. Asking takes no memory but for
 * husk_maps, so that it hardly changes what it measures. pid 0 is this process.
 *
 * Errors, always with a text in husk_message:
 *   HUSK_EMISSING  there is no such process, or it ended meanwhile; or the system does not tell what was asked
 *   HUSK_EIO       the system refuses (rights), or what it said cannot be read
 *   HUSK_ESTATE    the process has ended and waits for its parent (a zombie), or belongs to the kernel: it has
 *                  no memory
 *   HUSK_EINVAL    no such group or field
 * What could be read is in *out all the same. Threads: any. */
#ifndef HUSK_PROCESS_H
#define HUSK_PROCESS_H

#include <husk/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum husk_unit {
    HUSK_UNIT_BYTES = 0,
    HUSK_UNIT_COUNT,
    HUSK_UNIT_PER_10000, /* hundredths of a percent */
    HUSK_UNIT_MICROSECONDS,
} husk_unit;

/* clang-format off */

/* A process: HUSK_ASK_BASIC (statm), HUSK_ASK_STATUS (status, stat), HUSK_ASK_FULL (smaps_rollup or smaps). */
#define HUSK_PROCESS_LIST(X)                                                                                 \
    X(RSS,           rss,           BYTES, BASIC,  "resident memory")                                        \
    X(VMS,           vms,           BYTES, BASIC,  "address space")                                          \
    X(SHARED,        shared,        BYTES, BASIC,  "resident, of files or shared memory")                    \
    X(TEXT,          text,          BYTES, BASIC,  "address space of the program's code")                    \
    X(DATA,          data,          BYTES, BASIC,  "address space of data and stacks")                       \
    X(PEAK_RSS,      peak_rss,      BYTES, STATUS, "highest resident memory (VmHWM)")                        \
    X(PEAK_VMS,      peak_vms,      BYTES, STATUS, "highest address space (VmPeak)")                         \
    X(RSS_ANON,      rss_anon,      BYTES, STATUS, "resident, of no file")                                   \
    X(RSS_FILE,      rss_file,      BYTES, STATUS, "resident, of files")                                     \
    X(RSS_SHMEM,     rss_shmem,     BYTES, STATUS, "resident, shared memory")                                \
    X(VM_SWAP,       vm_swap,       BYTES, STATUS, "swapped out, shared memory left out (VmSwap)")           \
    X(PAGE_TABLES,   page_tables,   BYTES, STATUS, "the kernel's page tables for it (VmPTE)")                \
    X(LOCKED,        locked,        BYTES, STATUS, "locked in memory (VmLck)")                               \
    X(PINNED,        pinned,        BYTES, STATUS, "pinned, for devices (VmPin)")                            \
    X(STACK,         stack,         BYTES, STATUS, "address space of the first thread's stack (VmStk)")      \
    X(THREADS,       threads,       COUNT, STATUS, "threads")                                                \
    X(MINOR_FAULTS,  minor_faults,  COUNT, STATUS, "page faults served from memory")                         \
    X(MAJOR_FAULTS,  major_faults,  COUNT, STATUS, "page faults that waited for a disk")                     \
    X(USS,           uss,           BYTES, FULL,   "resident, of this process alone: what its end would free") \
    X(PSS,           pss,           BYTES, FULL,   "resident, shared pages divided by their users")          \
    X(SWAP,          swap,          BYTES, FULL,   "swapped out")                                            \
    X(PSS_ANON,      pss_anon,      BYTES, FULL,   "pss of no file")                                         \
    X(PSS_FILE,      pss_file,      BYTES, FULL,   "pss of files")                                           \
    X(PSS_SHMEM,     pss_shmem,     BYTES, FULL,   "pss of shared memory")                                   \
    X(SWAP_PSS,      swap_pss,      BYTES, FULL,   "swapped out, shared pages divided by their users")       \
    X(PRIVATE_CLEAN, private_clean, BYTES, FULL,   "of this process alone, as in the file")                  \
    X(PRIVATE_DIRTY, private_dirty, BYTES, FULL,   "of this process alone, written")                         \
    X(SHARED_CLEAN,  shared_clean,  BYTES, FULL,   "of several processes, as in the file")                   \
    X(SHARED_DIRTY,  shared_dirty,  BYTES, FULL,   "of several processes, written: forked, not yet copied") \
    X(REFERENCED,    referenced,    BYTES, FULL,   "used since the system last looked")                      \
    X(ANONYMOUS,     anonymous,     BYTES, FULL,   "resident, of no file, copied pages of files included")   \
    X(LAZY_FREE,     lazy_free,     BYTES, FULL,   "given up, still counted until the system needs it")      \
    X(ANON_HUGE,     anon_huge,     BYTES, FULL,   "of no file, in large pages")                             \
    X(HUGETLB,       hugetlb,       BYTES, FULL,   "private pages of hugetlbfs, not in rss")

/* The machine: meminfo, vmstat, pressure/memory. */
#define HUSK_SYSTEM_LIST(X)                                                                                  \
    X(TOTAL,         total,         BYTES, "physical memory")                                                \
    X(AVAILABLE,     available,     BYTES, "can be had without swapping, the kernel's estimate")             \
    X(USED,          used,          BYTES, "total less available")                                           \
    X(FREE,          free,          BYTES, "in no use at all")                                               \
    X(BUFFERS,       buffers,       BYTES, "buffers of block devices")                                       \
    X(CACHED,        cached,        BYTES, "contents of files")                                              \
    X(SHARED,        shared,        BYTES, "shared memory and tmpfs")                                        \
    X(ACTIVE,        active,        BYTES, "used lately")                                                    \
    X(INACTIVE,      inactive,      BYTES, "not used lately")                                                \
    X(ANONYMOUS,     anonymous,     BYTES, "of processes and no file")                                       \
    X(MAPPED,        mapped,        BYTES, "files mapped by processes")                                      \
    X(DIRTY,         dirty,         BYTES, "to be written to disk")                                          \
    X(SLAB,          slab,          BYTES, "the kernel's own objects")                                       \
    X(RECLAIMABLE,   reclaimable,   BYTES, "of slab: what the kernel gives back when memory is wanted")      \
    X(PAGE_TABLES,   page_tables,   BYTES, "the kernel's page tables")                                       \
    X(COMMITTED,     committed,     BYTES, "promised to processes")                                          \
    X(COMMIT_LIMIT,  commit_limit,  BYTES, "most that may be promised under a strict policy")                \
    X(SWAP_TOTAL,    swap_total,    BYTES, "swap space; 0: there is none")                                   \
    X(SWAP_FREE,     swap_free,     BYTES, "swap space not in use")                                          \
    X(SWAP_USED,     swap_used,     BYTES, "swap space in use")                                              \
    X(SWAP_CACHED,   swap_cached,   BYTES, "in swap and in memory")                                          \
    X(SWAP_IN,       swap_in,       BYTES, "read from swap since the machine started")                       \
    X(SWAP_OUT,      swap_out,      BYTES, "written to swap since the machine started")                      \
    X(OOM_KILLS,     oom_kills,     COUNT, "processes killed for want of memory since the machine started")  \
    X(SOME_10,       some_10,       PER_10000, "share of the last 10 s in which some task waited for memory") \
    X(SOME_60,       some_60,       PER_10000, "the same, 60 s")                                             \
    X(SOME_300,      some_300,      PER_10000, "the same, 300 s")                                            \
    X(SOME_TIME,     some_time,     MICROSECONDS, "the same, all the time together")                         \
    X(FULL_10,       full_10,       PER_10000, "share of the last 10 s in which all tasks waited for memory") \
    X(FULL_60,       full_60,       PER_10000, "the same, 60 s")                                             \
    X(FULL_300,      full_300,      PER_10000, "the same, 300 s")                                            \
    X(FULL_TIME,     full_time,     MICROSECONDS, "the same, all the time together")

/* The control group that limits a process, version 1 or 2. A limit is absent if there is none. */
#define HUSK_CGROUP_LIST(X)                                                                                  \
    X(VERSION,       version,       COUNT, "1 or 2")                                                         \
    X(LIMIT,         limit,         BYTES, "the tightest limit of it and the groups above (max)")            \
    X(HIGH,          high,          BYTES, "from here on it is slowed down (high; version 1: soft limit)")   \
    X(CURRENT,       current,       BYTES, "in use, file contents included")                                 \
    X(PEAK,          peak,          BYTES, "highest use")                                                    \
    X(SWAP_LIMIT,    swap_limit,    BYTES, "limit of swap (version 1: of memory and swap together)")         \
    X(SWAP_CURRENT,  swap_current,  BYTES, "swap in use (version 1: memory and swap together)")              \
    X(ANONYMOUS,     anonymous,     BYTES, "of no file")                                                     \
    X(FILE,          file,          BYTES, "contents of files")                                              \
    X(KERNEL,        kernel,        BYTES, "the kernel's, on its behalf")                                    \
    X(SHMEM,         shmem,         BYTES, "shared memory")                                                  \
    X(INACTIVE_FILE, inactive_file, BYTES, "contents of files not used lately: goes first")                  \
    X(HIGH_EVENTS,   high_events,   COUNT, "times it was slowed down")                                       \
    X(MAX_EVENTS,    max_events,    COUNT, "times it ran into its limit (version 1: failcnt)")               \
    X(OOM_EVENTS,    oom_events,    COUNT, "times memory could not be had")                                  \
    X(OOM_KILLS,     oom_kills,     COUNT, "processes killed for it")                                        \
    X(SOME_10,       some_10,       PER_10000, "share of the last 10 s in which some task waited for memory") \
    X(SOME_60,       some_60,       PER_10000, "the same, 60 s")                                             \
    X(SOME_300,      some_300,      PER_10000, "the same, 300 s")                                            \
    X(SOME_TIME,     some_time,     MICROSECONDS, "the same, all the time together")                         \
    X(FULL_10,       full_10,       PER_10000, "share of the last 10 s in which all tasks waited for memory") \
    X(FULL_60,       full_60,       PER_10000, "the same, 60 s")                                             \
    X(FULL_300,      full_300,      PER_10000, "the same, 300 s")                                            \
    X(FULL_TIME,     full_time,     MICROSECONDS, "the same, all the time together")

/* The C library's allocator (malloc) in this process, where it tells. */
#define HUSK_NATIVE_LIST(X)                                                                                  \
    X(USED,          used,          BYTES, "in blocks handed out, their headers included")                   \
    X(FREE,          free,          BYTES, "in free blocks, kept for reuse")                                 \
    X(MAPPED,        mapped,        BYTES, "of used: large blocks with a mapping of their own")              \
    X(MAPPED_BLOCKS, mapped_blocks, COUNT, "large blocks with a mapping of their own")                       \
    X(TAKEN,         taken,         BYTES, "had from the system: used and free")                             \
    X(TOP,           top,           BYTES, "of free: at the end of the heap, can go back at once")
/* clang-format on */

/* Numbers of the fields, for HUSK_KNOWS and the calls by number: HUSK_PROCESS_..., HUSK_SYSTEM_... */
#define HUSK_PROCESS_NUMBER(NUMBER, name, unit, ask, text) HUSK_PROCESS_##NUMBER,
#define HUSK_SYSTEM_NUMBER(NUMBER, name, unit, text) HUSK_SYSTEM_##NUMBER,
#define HUSK_CGROUP_NUMBER(NUMBER, name, unit, text) HUSK_CGROUP_##NUMBER,
#define HUSK_NATIVE_NUMBER(NUMBER, name, unit, text) HUSK_NATIVE_##NUMBER,
enum { HUSK_PROCESS_LIST(HUSK_PROCESS_NUMBER) HUSK_PROCESS_FIELDS };
enum { HUSK_SYSTEM_LIST(HUSK_SYSTEM_NUMBER) HUSK_SYSTEM_FIELDS };
enum { HUSK_CGROUP_LIST(HUSK_CGROUP_NUMBER) HUSK_CGROUP_FIELDS };
enum { HUSK_NATIVE_LIST(HUSK_NATIVE_NUMBER) HUSK_NATIVE_FIELDS };

/* known: bit n is set if field number n is. What is not known is 0 and means nothing. */
#define HUSK_PROCESS_FIELD(NUMBER, name, unit, ask, text) uint64_t name;
#define HUSK_MEMORY_FIELD(NUMBER, name, unit, text) uint64_t name;
typedef struct husk_process_memory {
    uint64_t known;
    HUSK_PROCESS_LIST(HUSK_PROCESS_FIELD)
} husk_process_memory;
typedef struct husk_system_memory {
    uint64_t known;
    HUSK_SYSTEM_LIST(HUSK_MEMORY_FIELD)
} husk_system_memory;
typedef struct husk_cgroup_memory {
    uint64_t known;
    HUSK_CGROUP_LIST(HUSK_MEMORY_FIELD)
} husk_cgroup_memory;
typedef struct husk_native_memory {
    uint64_t known;
    HUSK_NATIVE_LIST(HUSK_MEMORY_FIELD)
} husk_native_memory;

/* Whether field `number` of this struct is known. */
#define HUSK_KNOWS(memory, number) ((((memory).known >> (number)) & 1u) != 0)

/* What to read of a process; several questions share one read. */
enum {
    HUSK_ASK_BASIC = 1u << 0,  /* one short file */
    HUSK_ASK_STATUS = 1u << 1, /* two more */
    /* The kernel goes through all page tables, a millisecond for 100 MiB or so; needs the right to trace it. */
    HUSK_ASK_FULL = 1u << 2,
    HUSK_ASK_ALL = 7u,
};

/* ask: HUSK_ASK_... */
HUSK_API husk_status husk_process_memory_get(int64_t pid, uint32_t ask, husk_process_memory *out);
HUSK_API husk_status husk_system_memory_get(husk_system_memory *out);
HUSK_API husk_status husk_cgroup_memory_get(int64_t pid, husk_cgroup_memory *out);
/* HUSK_EMISSING: this C library does not tell. */
HUSK_API husk_status husk_native_memory_get(husk_native_memory *out);

/* Who counted the native heap. */
typedef enum husk_native_teller {
    HUSK_NATIVE_ALLOCATOR, /* the allocator: with what it adds to each block, and some 100 bytes off now and then */
    HUSK_NATIVE_PRELOAD,   /* libhusk-preload.so, if it does not sample: the bytes that were asked for */
    HUSK_NATIVE_SANITIZER, /* so does one of the compiler's sanitizers */
} husk_native_teller;
/* Bytes of the native heap in use, as exactly as can be told, for one who looks twice and compares: the free blocks that
 * the calling thread keeps for itself, which count as used in husk_native_memory_get, do not come and go. For that it
 * asks for half a MiB in a thousand blocks, and gives them back. HUSK_EMISSING: nobody tells. */
HUSK_API husk_status husk_native_used(uint64_t *used, husk_native_teller *teller);

/* One number by the names of its group ("process", "system", "cgroup", "native") and field ("rss").
 * HUSK_EMISSING: the system does not tell it. */
HUSK_API husk_status husk_memory_ask(int64_t pid, const char *group, const char *field, uint64_t *out);

/* A field of a process as a share of physical memory, in percent. HUSK_EINVAL: no such field, or not in
 * bytes. */
HUSK_API husk_status husk_memory_percent(int64_t pid, const char *field, double *out);

/* Fields by number, for code that shows or copies all of them. */
typedef struct husk_memory_field {
    const char *name;
    husk_unit unit;
    const char *text; /* what it is */
} husk_memory_field;
/* false: no such group, or beyond its last field. */
HUSK_API bool husk_memory_field_at(const char *group, size_t number, husk_memory_field *out);
/* Field `number` of one of the structs of this header: memory points to it. false: it is not known. The number
 * must be one of the struct's. */
HUSK_API bool husk_memory_value(const void *memory, size_t number, uint64_t *out);

/* The path of the group that husk_cgroup_memory_get speaks of ("/" in most containers). Cut at room, which
 * includes the final NUL. */
HUSK_API husk_status husk_cgroup_path(int64_t pid, char *buffer, size_t room);

/* Makes the present resident memory the highest. */
HUSK_API husk_status husk_process_reset_peak(int64_t pid);

/* Asks the C library's allocator to give free memory back. *given: by how many bytes resident memory fell, as
 * far as can be told. HUSK_EMISSING: this C library cannot. */
HUSK_API husk_status husk_native_trim(uint64_t *given);

/* ---- mappings and threads ---- */

/* Of a mapping, with HUSK_MAPS_SIZES. */
/* clang-format off */
#define HUSK_MAP_LIST(X)                                                                                     \
    X(RSS,           rss,           BYTES, "resident")                                                       \
    X(PSS,           pss,           BYTES, "resident, shared pages divided by their users")                  \
    X(SHARED_CLEAN,  shared_clean,  BYTES, "of several processes, as in the file")                           \
    X(SHARED_DIRTY,  shared_dirty,  BYTES, "of several processes, written")                                  \
    X(PRIVATE_CLEAN, private_clean, BYTES, "of this process alone, as in the file")                          \
    X(PRIVATE_DIRTY, private_dirty, BYTES, "of this process alone, written")                                 \
    X(REFERENCED,    referenced,    BYTES, "used since the system last looked")                              \
    X(ANONYMOUS,     anonymous,     BYTES, "of no file, copied pages of a file included")                    \
    X(LAZY_FREE,     lazy_free,     BYTES, "given up, still counted until the system needs it")              \
    X(ANON_HUGE,     anon_huge,     BYTES, "of no file, in large pages")                                     \
    X(SWAP,          swap,          BYTES, "swapped out")                                                    \
    X(SWAP_PSS,      swap_pss,      BYTES, "swapped out, shared pages divided by their users")               \
    X(LOCKED,        locked,        BYTES, "locked in memory")
/* clang-format on */
#define HUSK_MAP_NUMBER(NUMBER, name, unit, text) HUSK_MAP_##NUMBER,
enum { HUSK_MAP_LIST(HUSK_MAP_NUMBER) HUSK_MAP_FIELDS };

typedef struct husk_map_memory {
    uint64_t known;
    HUSK_MAP_LIST(HUSK_MEMORY_FIELD)
} husk_map_memory;

typedef enum husk_map_kind {
    HUSK_MAP_OF_FILE = 0,
    HUSK_MAP_OF_HEAP,      /* "[heap]": where the C library's allocator begins */
    HUSK_MAP_OF_STACK,     /* of a thread */
    HUSK_MAP_OF_SHARED,    /* shared memory: of no file that a disk holds */
    HUSK_MAP_OF_ANONYMOUS, /* private memory of no file */
    HUSK_MAP_OF_KERNEL,    /* "[vdso]" and the like */
    HUSK_MAP_KINDS
} husk_map_kind;
/* "file", "heap", "stack", "shared", "anonymous", "kernel"; NULL for a number that is none. */
HUSK_API HUSK_NULLABLE const char *husk_map_kind_name(husk_map_kind kind);

typedef struct husk_map {
    uint64_t start, end; /* grouped: of the first one, and bytes are the sum */
    uint64_t bytes;      /* of address space */
    uint64_t offset;     /* in the file */
    uint64_t inode;      /* 0: of no file */
    const char *path;    /* bytes as they are, newlines too; "": none; "[heap]" and the like. Never NULL */
    size_t path_length;
    char permissions[5]; /* "rw-p" */
    husk_map_kind kind;
    bool deleted;   /* the file has no name any more */
    int64_t thread; /* of a stack; 0: not known */
    size_t count;   /* mappings in it: 1, or more when grouped */
    husk_map_memory memory;
} husk_map;

enum {
    HUSK_MAPS_SIZES = 1u << 0, /* with husk_map.memory: as slow as HUSK_ASK_FULL */
    HUSK_MAPS_GROUPED =
        1u << 1, /* one entry for each path, and for each kind of what has none, the largest first */
    HUSK_MAPS_STACKS =
        1u << 2, /* find the stacks of all threads; without it that of the first alone is known */
};

typedef struct husk_maps husk_maps;
/* The mappings of a process at one moment, by address. The caller frees it. HUSK_ENOMEM too. */
HUSK_API husk_status husk_maps_read(int64_t pid, uint32_t flags, husk_maps **out);
HUSK_API void husk_maps_free(HUSK_NULLABLE husk_maps *maps);
HUSK_API size_t husk_maps_count(const husk_maps *maps);
/* false beyond the last. What *out points to is valid as long as maps. */
HUSK_API bool husk_maps_at(const husk_maps *maps, size_t index, husk_map *out);

typedef struct husk_thread {
    int64_t id;
    char name[64]; /* as the system keeps it: any bytes but NUL */
    char state;    /* 'R' runs, 'S' sleeps, ... as in stat */
    uint64_t minor_faults, major_faults;
} husk_thread;
/* Called for each thread; false stops. */
typedef bool husk_thread_fn(const husk_thread *thread, void *data);
HUSK_API husk_status husk_process_each_thread(int64_t pid, husk_thread_fn *fn, void *data);

#ifdef __cplusplus
}
#endif

#endif
