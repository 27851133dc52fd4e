/* object/ledgered.h: where a heap and its ledger (trace/ledger.h) meet.
 *
 *   birth     store.ledger lets every block through the slow path --> husk__ledgered_birth --> rc says RC_LEDGER
 *   retain    rc has bit 31, so the inline ones end in husk__retain_slow_1 --> husk__ledgered_retain
 *   release   the same; the last one --> husk__release_last, the usual death
 *   death     where cell and site are given up --> husk__ledgered_end --> rc 0
 *
 * An object that dies with a finalizer pending keeps its book, with count 0: it may come back. */
#ifndef HUSK_OBJECT_LEDGERED_H
#define HUSK_OBJECT_LEDGERED_H

#include "object/state.h"
#include "trace/ledger.h"

#include <husk/ledger.h>

struct husk__ledgered {
    struct husk__ledger *ledger;
    bool all;        /* no types are chosen: all are in it */
    uint8_t *chosen; /* by type id: CHOSEN_... */
    size_t chosen_room;
    char *names; /* of chosen types, each with its NUL */
    size_t name_bytes;
};
enum { CHOSEN_UNASKED = 0, CHOSEN_IN = 1, CHOSEN_OUT = 2 };

/* What the ledger's own references are called. */
#define HUSK__BY_FINALIZER "the finalizer that runs"
#define HUSK__BY_GARBAGE "the list of garbage"

ALWAYS_INLINE struct husk__ledger_book *husk__book_of(const husk_obj *obj)
{
    return husk__ledger_book_at(husk__heap_of(obj)->ledgered->ledger, obj->rc & RC_BOOK);
}

/* Whether objects of this type are to be in the heap's ledger (ledgeron.c). */
bool husk__ledgered_wants(husk_heap *heap, const husk_type *type);

/* A new object, before anybody has it. at_file: what was said about the place of its birth (NULL: nothing). */
void husk__ledgered_birth(husk_heap *heap, husk_obj *obj, const char *at_file, struct husk__from from);

/* All below: of objects in a ledger. A plain retain or release by the program. */
void husk__ledgered_retain(husk_obj *obj);
void husk__ledgered_release(husk_obj *obj);
/* One fewer for a slot of a dying holder. True: it was the last. */
bool husk__ledgered_drop(husk_obj *obj, const husk_obj *holder, size_t slot);
/* A reference of the library's while the object's finalizer runs. True: the object is dead after it. */
void husk__ledgered_hold(husk_obj *obj);
bool husk__ledgered_let_go(husk_obj *obj);
/* The object dies: its book is closed, rc 0. */
void husk__ledgered_end(husk_heap *heap, husk_obj *obj);
/* It leaves the ledger alive: rc is a plain count. */
void husk__ledgered_leave(husk_obj *obj);

/* Any object or block, before the process is ended for a release too many: says on stderr what is known. */
void husk__ledgered_tell(const husk_obj *obj);

/* Whether the holder of an entry does not have the reference any more. Both are of one heap. */
bool husk__ledgered_is_stale(const struct husk__ledger_entry *entry, const void *thing);

void husk__ledgered_close(husk_heap *heap);

#endif
