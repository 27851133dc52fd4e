/* husk/inline.h: the two calls that must cost next to nothing.
 *
 * They know one fact about an object: its first word is the count, bits 30..2, and a set bit 31 means that
 * something rare is the matter (immortal, saturated). The calls they fall back on carry the number of this layout in
 * their names, so that inlines compiled against another layout do not link. */
#ifndef HUSK_INLINE_H
#define HUSK_INLINE_H

#include <husk/obj.h>

#ifdef __cplusplus
extern "C" {
#endif

HUSK_API void husk__retain_slow_1(husk_obj *obj);
HUSK_API void husk__release_slow_1(husk_obj *obj);

#define HUSK__ONE 4u /* one reference in the count word */

/* One reference more. obj is not NULL. */
static inline void husk_obj_retain(husk_obj *obj)
{
    uint32_t *count = (uint32_t *)(void *)obj;
    if ((int32_t)*count >= 0)
        *count += HUSK__ONE;
    else
        husk__retain_slow_1(obj);
}

/* One reference fewer; the last one ends the object. NULL is fine only in husk_obj_drop. */
static inline void husk_obj_release(husk_obj *obj)
{
    uint32_t *count = (uint32_t *)(void *)obj;
    if (*count - 2u * HUSK__ONE < 0x80000000u - 2u * HUSK__ONE)
        *count -= HUSK__ONE;
    else
        husk__release_slow_1(obj);
}

/* Releases what *variable holds, if anything, and sets it to NULL first. */
static inline void husk_obj_drop(husk_obj **variable)
{
    husk_obj *obj = *variable;
    *variable = (husk_obj *)0;
    if (obj)
        husk_obj_release(obj);
}

/* The object's fixed part: a pointer to the struct that its type describes. Valid while the object lives. */
static inline HUSK_BORROWED void *husk_obj_data(const husk_obj *obj)
{
    return (void *)((char *)(uintptr_t)obj + 16);
}

/* The other way: the object whose fixed part this is. */
static inline HUSK_BORROWED husk_obj *husk_obj_of(const void *data)
{
    return (husk_obj *)(void *)((char *)(uintptr_t)data - 16);
}

#ifdef __cplusplus
}
#endif

#endif
