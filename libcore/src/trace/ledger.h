/* trace/ledger.h: books: who holds references to a thing, taken where. It knows no objects and no heaps: things,
 * holders and names are addresses that it compares.
 *
 *   book      one thing: its count, and as a list each entry that is open
 *   entry     one reference: its owner, and the place (a record of the ledger's tracer) where it was taken
 *   chain     the open entries of one book that a release may look for, the newest first: those of one owner; of
 *             those without an owner, those taken in one function, and those taken in one module
 *
 *   of every book:   entries + before + lost == count + unpaired
 *     before    references that were there already when the book was opened
 *     lost      references that found no room for an entry
 *     unpaired  releases that nothing could be paired with
 *
 * Which entry a release closes:
 *   with an owner     the owner's newest; a holder that has none: the newest without an owner (what was moved into a
 *                     slot by a plain store); else as below from `before` on
 *   without one       the newest that was taken in the same function; in the same module; one of `before`; one of
 *                     `lost`; one whose holder does not have it any more (`stale`); else it is unpaired
 * Threads: one at a time. */
#ifndef HUSK_TRACE_LEDGER_H
#define HUSK_TRACE_LEDGER_H

#include "base/grow.h"
#include "trace/record.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    LEDGER_BOOKS = 1 << 28,    /* numbers of books are below this */
    LEDGER_ENTRIES = 1u << 31, /* and those of entries and chains below this */
    LEDGER_ITEM = 0xFFF,       /* the slot of what is no field */
    LEDGER_NESTING = 64,
};

enum husk__ledger_owner { LEDGER_NOBODY = 0, LEDGER_HOLDER = 1, LEDGER_NAMED = 2 };

struct husk__owner {
    uint64_t id;     /* a holder's address, or a name's (a text of trace/site.h) */
    uint32_t number; /* of a holder's book; 0: it has none */
    uint32_t type;   /* of a holder: the caller's number for it */
    uint16_t slot;   /* of a holder */
    uint8_t kind;    /* enum husk__ledger_owner */
};

enum husk__ledger_kind { LEDGER_RETAIN = 0, LEDGER_BIRTH = 1, LEDGER_RELEASE = 2 };

struct husk__ledger_entry {
    struct husk__owner owner;
    uint8_t kind;    /* enum husk__ledger_kind; LEDGER_RELEASE: an unpaired one, in a list of its own */
    uint32_t book;   /* 0: the entry is free */
    uint32_t record; /* where */
    uint32_t serial; /* entries of one book are in this order */
    uint32_t older, newer;
    struct husk__ledger_link {
        uint32_t chain, older, newer; /* chain 0: in none */
    } links[2];                       /* by owner or function; by module */
};

struct husk__ledger_book {
    const void *thing;
    uint32_t count, before, lost, unpaired;
    uint32_t newest;   /* entry */
    uint32_t releases; /* newest unpaired release that is kept */
    uint32_t nobodys;  /* entries without an owner */
    uint32_t born;     /* record of the birth; 0: not known */
    uint32_t number;   /* no other book of this ledger had it; 0: the book is free */
};

struct husk__ledger_chain {
    uint64_t id;
    uint32_t tag, book; /* book 0: free */
    uint32_t newest;
    uint32_t next; /* in its bucket; of the free ones */
};

struct husk__ledger_death {
    const void *thing; /* NULL: none */
    uint32_t number, type, born, record;
};

struct husk__ledger_place {
    uint64_t function,
        module; /* of the newest frame; 0: not known. function 0 and module 0: not looked up yet */
    bool known;
};

/* Rows with numbers from 1 on, given back and used again. */
struct husk__ledger_pool {
    struct husk__grow rows;
    uint32_t count; /* numbers used at all, 0 too */
    uint32_t free;  /* 0: none */
    uint32_t in_use;
};

struct husk__ledger {
    struct husk__tracer *tracer; /* its records are the places; it counts nothing */
    struct husk__ledger_pool books, entries, chains;
    struct husk__grow places; /* struct husk__ledger_place, by record */
    uint32_t *buckets;        /* chains, by book, id and tag */
    size_t bucket_count;      /* a power of two */
    size_t max_bytes;         /* 0: no limit */
    uint32_t serial, numbers;
    uint64_t retains, releases; /* seen */
    uint64_t lost, missed;      /* references without an entry; things without a book */
    uint64_t before, unpaired;  /* of all books that are open */
    struct husk__ledger_death *deaths;
    size_t death_room, death_next;
    const char *owners[LEDGER_NESTING]; /* names that are pushed */
    unsigned owner_depth;
};

/* frames, sources: of each place. HUSK_ERANGE, HUSK_ELIMIT, HUSK_ENOMEM, with husk_message. */
husk_status husk__ledger_new(uint32_t frames, uint32_t sources, size_t deaths, size_t max_bytes,
                             struct husk__ledger **out);
void husk__ledger_free(struct husk__ledger *ledger);

/* A book for a thing with so many references, of which nothing is known. Its number; 0: no room (counted as missed). */
uint32_t husk__ledger_open(struct husk__ledger *ledger, const void *thing, uint32_t before);
void husk__ledger_close(struct husk__ledger *ledger, uint32_t book);
/* The thing ends: closes its book, and remembers what is known of it. */
void husk__ledger_die(struct husk__ledger *ledger, uint32_t book, uint32_t type, uint32_t record);
/* The latest thing that died at this address; NULL: none is remembered. */
const struct husk__ledger_death *husk__ledger_death_of(const struct husk__ledger *ledger, const void *thing);

/* One reference more. */
void husk__ledger_in(struct husk__ledger *ledger, uint32_t book, const struct husk__owner *owner,
                     enum husk__ledger_kind kind, uint32_t record);

/* Whether the holder of this entry does not have the reference any more. */
typedef bool husk__ledger_stale_fn(const struct husk__ledger_entry *entry, const void *thing);

/* One fewer; count is not 0. record: where, 0 if that was not looked up. False: it could not be paired. */
bool husk__ledger_out(struct husk__ledger *ledger, uint32_t book, const struct husk__owner *owner,
                      uint32_t record, husk__ledger_stale_fn *stale);
/* A reference changes hands there. */
void husk__ledger_move(struct husk__ledger *ledger, uint32_t book, const struct husk__owner *from,
                       const struct husk__owner *to, uint32_t record, husk__ledger_stale_fn *stale);
/* Whether it will be paired without a look at where it is made. */
bool husk__ledger_has(const struct husk__ledger *ledger, uint32_t book, const struct husk__owner *owner);

/* A name as an owner's id; 0: no memory. */
uint64_t husk__ledger_name(const char *name);

/* All references of all books are `before` from now on. */
void husk__ledger_clear(struct husk__ledger *ledger);

/* Is the book whole? For husk_heap_verify. NULL, or what is wrong. */
const char *husk__ledger_check(const struct husk__ledger *ledger, uint32_t book);

size_t husk__ledger_bytes(const struct husk__ledger *ledger);

ALWAYS_INLINE struct husk__ledger_book *husk__ledger_book_at(const struct husk__ledger *ledger, uint32_t book)
{
    return (struct husk__ledger_book *)(void *)ledger->books.rows.at + book;
}

ALWAYS_INLINE struct husk__ledger_entry *husk__ledger_entry_at(const struct husk__ledger *ledger,
                                                               uint32_t entry)
{
    return (struct husk__ledger_entry *)(void *)ledger->entries.rows.at + entry;
}

#endif
