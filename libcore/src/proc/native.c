/* proc/native.c: what the C library's allocator says of itself. glibc tells sums (mallinfo2, since 2.33;
 * before that mallinfo, whose numbers overflow at 2 GiB and which is therefore not asked) and can trim; musl
 * does neither. The functions are looked for when the library is loaded, so that one binary serves both. */
#define _GNU_SOURCE
#include "proc/fields.h"

#include <string.h>

/* As glibc's mallinfo2. */
struct sums {
    size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};

extern struct sums mallinfo2(void) __attribute__((weak));
extern int malloc_trim(size_t pad) __attribute__((weak));

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
