/* view/ledgerlist.h: a list of a ledger's entries, as husk/ledger.h has it: rows of entries alike, with their stacks. */
#ifndef HUSK_VIEW_LEDGERLIST_H
#define HUSK_VIEW_LEDGERLIST_H

#include "view/pool.h"

#include <husk/ledger.h>

struct husk__ledger_row {
    husk_ledger_entry shown;
    size_t frame_at; /* its stack's first frame; they are shown.frames */
    uint32_t serial; /* of its newest entry */
    uint32_t stack;  /* of trace/site.h; 0: not known */
    /* what must be the same in all its entries */
    uint64_t owner;
    uint32_t record, detail;
    uint32_t type;
    uint32_t book;   /* the latest one with such an entry: objects are counted */
    uint64_t holder; /* while there is one only */
};

struct husk_ledger_list {
    struct husk__ledger_row *rows; /* as they were found */
    uint32_t *order;               /* as they are shown */
    husk_place_frame *frames;
    size_t row_count, row_room, order_room, frame_count, total;
    bool deaths;
};

#endif
