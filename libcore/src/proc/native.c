/* proc/native.c: what the C library's allocator says of itself. glibc tells sums (mallinfo2, since 2.33;
 * before that mallinfo, whose numbers overflow at 2 GiB and which is therefore not asked) and can trim; musl
 * does neither. The functions are looked for when the library is loaded, so that one binary serves both. */
#define _GNU_SOURCE
#include "proc/fields.h"

#include <stdlib.h>
#include <string.h>

/* As glibc's mallinfo2. */
struct sums {
    size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};

extern struct sums mallinfo2(void) __attribute__((weak));
extern int malloc_trim(size_t pad) __attribute__((weak));

/* Who counts bytes himself where he stands before the C library's allocator: libhusk-preload.so, and the sanitizers. */
extern bool husk_preload_used(uint64_t *bytes) __attribute__((weak));
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

husk_status husk_native_memory_get(husk_native_memory *out)
{
    *out = (husk_native_memory){ 0 };
    if (!mallinfo2)
        return husk_fail(HUSK_EMISSING, "native heap: this C library does not tell");
    struct sums sums = mallinfo2();
    if (sums.arena == 0 && sums.hblkhd == 0) /* an allocator of its own stands in front, as a sanitizer's */
        return husk_fail(HUSK_EMISSING, "native heap: the allocator in use does not tell");
    husk__field_set(out, HUSK_NATIVE_USED, sums.uordblks + sums.hblkhd);
    husk__field_set(out, HUSK_NATIVE_FREE, sums.fordblks);
    husk__field_set(out, HUSK_NATIVE_MAPPED, sums.hblkhd);
    husk__field_set(out, HUSK_NATIVE_MAPPED_BLOCKS, sums.hblks);
    husk__field_set(out, HUSK_NATIVE_TAKEN, sums.arena + sums.hblkhd);
    husk__field_set(out, HUSK_NATIVE_TOP, sums.keepcost);
    return HUSK_OK;
}

/* glibc takes the free blocks that each thread keeps for itself for used: so many as it likes, up to a number (16 since
 * 2.42; 7 before) of each of CACHED_SIZES sizes, 200 KiB and more that come and go. Giving back as many as fit makes
 * them always all. */
enum { CACHED = 16, CACHED_SIZES = 64, CACHED_STEP = 16, CACHED_FIRST = 24 };

static void fill_cache(void)
{
    void *volatile held[CACHED_SIZES *
                        CACHED]; /* volatile: else a compiler sees that nothing is done with them */
    for (size_t i = 0; i < CACHED_SIZES * CACHED; i++)
        held[i] = malloc(CACHED_FIRST + CACHED_STEP * (i / CACHED));
    for (size_t i = 0; i < CACHED_SIZES * CACHED; i++)
        free(held[i]);
}

husk_status husk_native_used(uint64_t *used, husk_native_teller *teller)
{
    *used = 0;
    *teller = HUSK_NATIVE_PRELOAD;
    if (husk_preload_used && husk_preload_used(used))
        return HUSK_OK;
    if (__sanitizer_get_current_allocated_bytes) {
        *teller = HUSK_NATIVE_SANITIZER;
        *used = __sanitizer_get_current_allocated_bytes();
        return HUSK_OK;
    }
    *teller = HUSK_NATIVE_ALLOCATOR;
    fill_cache();
    husk_native_memory memory;
    husk_status status = husk_native_memory_get(&memory);
    *used = memory.used;
    return status;
}

husk_status husk_native_trim(uint64_t *given)
{
    husk_process_memory before, after;
    *given = 0;
    if (!malloc_trim)
        return husk_fail(HUSK_EMISSING, "native heap: this C library cannot trim it");
    husk_status known = husk_process_memory_get(0, HUSK_ASK_FULL, &before);
    (void)malloc_trim(0);
    if (!known && !husk_process_memory_get(0, HUSK_ASK_FULL, &after)) {
        uint64_t had = before.private_dirty + before.private_clean,
                 has = after.private_dirty + after.private_clean;
        *given = had > has ? had - has : 0;
    }
    return HUSK_OK;
}
