/* object/header.h: the 16 bytes in front of every object, and what its bits mean through a life.
 *
 *   byte 0        4         8         12        16
 *        +--------+---------+---------+---------+------------------+- - - - +
 *        |  rc    |   tf    |  cell   |  site   |  fixed part ...  |  link  |
 *        +--------+---------+---------+---------+------------------+- - - - +
 *   rc    31 SLOW | 30..2 count, in steps of 4 | 1..0 reserved. With SLOW, bits 30..28 say why. In a ledger bits
 *         27..0 are the number of its book (trace/ledger.h), which has the count
 *   tf    31..20 flags | 19..0 type id; id 0: the block is free
 *   cell  index of the side cell (object/cell.h), 0: none
 *   site  reserved for the allocation site, 0: not traced
 *
 *   free block:    rc = tf = 0, bytes 8..15 link the page's free list
 *   dying, without a pending finalizer: cell is already given up, bytes 8..15 link the drain
 *   dying, with one: may come back, so cell and site stay; the hidden word behind the fixed part links the drain
 *
 * A pass keeps its marks elsewhere (cycle/side.h): it would dirty every page after a fork. */
#ifndef HUSK_OBJECT_HEADER_H
#define HUSK_OBJECT_HEADER_H

#include "base/check.h"

#include <husk/inline.h>

struct husk_obj {
    uint32_t rc, tf, cell, site;
};

/* A link laid over other words of a dying object. */
typedef husk_obj *husk__link __attribute__((may_alias));

#define RC_ONE HUSK__ONE
#define RC_SLOW 0x80000000u
#define RC_KIND 0x70000000u
#define RC_SATURATED 0x80000000u /* the step past the last count set bit 31 by arithmetic alone */
#define RC_IMMORTAL 0x90000000u  /* sticky */
#define RC_LEDGER 0xA0000000u    /* kinds 3 to 7 are reserved for shared and sealed counts */
#define RC_BOOK 0x0FFFFFFFu

#define TF_TYPE 0x000FFFFFu
#define TF_FINALIZED (1u << 20) /* its finalizer has run, or has been told to; once in a life */
#define TF_QUEUED (1u << 21)    /* count reached zero; waits in the drain or runs its finalizer */
#define TF_CONDEMNED (1u << 22) /* member of the set that a pass is ending, while hooks run */
#define TF_KEY (1u << 24)       /* it is or has been a key of a weak-key map: marking looks at its ties */
#define TF_LEAK (1u << 26)      /* unreachable, and somebody was told (survey/leaks.c) */
#define TF_DYING (TF_QUEUED | TF_CONDEMNED)

enum { HUSK__HEADER = 16 };

ALWAYS_INLINE bool husk__is_ledgered(const husk_obj *obj)
{
    return (obj->rc & (RC_SLOW | RC_KIND)) == RC_LEDGER;
}

ALWAYS_INLINE bool husk__is_immortal(const husk_obj *obj)
{
    return (obj->rc & RC_SLOW) && !husk__is_ledgered(obj);
}

/* What the book of an object in a ledger says (object/ledgered.c). */
uint32_t husk__ledgered_count(const husk_obj *obj) __attribute__((cold));

/* References to an object; of an immortal one more than there can be. */
ALWAYS_INLINE uint32_t husk__count_of(const husk_obj *obj)
{
    return UNLIKELY(husk__is_ledgered(obj)) ? husk__ledgered_count(obj) : obj->rc / RC_ONE;
}

/* A live or dying object stands in this block. */
ALWAYS_INLINE bool husk__is_object(const husk_obj *obj)
{
    return (obj->tf & TF_TYPE) != 0;
}

ALWAYS_INLINE bool husk__is_dying(const husk_obj *obj)
{
    return (obj->tf & TF_DYING) != 0;
}

#endif
