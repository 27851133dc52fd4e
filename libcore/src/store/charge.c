/* store/charge.c: what a heap takes is counted against max_bytes before it is taken. Raw bytes come from
 * the system's allocator, which is good at them. */
#include "base/memory.h"
#include "store/store.h"

static bool count(struct husk__store *store, size_t bytes)
{
    if (store->max_bytes && (bytes > store->max_bytes || store->bytes_taken > store->max_bytes - bytes)) {
        store->failure = HUSK_ELIMIT;
        return false;
    }
    store->bytes_taken += bytes;
    return true;
}

/* After a success: what was charged and then refused by the system is no peak. */
static void note_peak(struct husk__store *store)
{
    if (store->bytes_taken > store->bytes_peak)
        store->bytes_peak = store->bytes_taken;
}

bool husk__store_charge(struct husk__store *store, size_t bytes)
{
    if (!count(store, bytes))
        return false;
    husk__memory_note((int64_t)bytes);
    return true;
}

void husk__store_charged(struct husk__store *store)
{
    note_peak(store);
    husk__carry_ensure(store);
}

void husk__store_discharge(struct husk__store *store, size_t bytes)
{
    store->bytes_taken -= bytes;
    husk__memory_note(-(int64_t)bytes);
}

void *husk__charged_resize(struct husk__store *store, void *old, size_t old_bytes, size_t new_bytes)
{
    if (new_bytes > old_bytes && !count(store, new_bytes - old_bytes))
        return NULL;
    void *block = husk__raw_resize(old, old_bytes, new_bytes);
    if (!block && new_bytes) {
        store->bytes_taken -= new_bytes - old_bytes;
        store->failure = HUSK_ENOMEM;
        return NULL;
    }
    if (new_bytes < old_bytes)
        store->bytes_taken -= old_bytes - new_bytes;
    note_peak(store);
    return block;
}

void husk__charged_free(struct husk__store *store, void *old, size_t bytes)
{
    if (!old)
        return;
    husk__raw_free(old, bytes);
    store->bytes_taken -= bytes;
}

/* A heap of n bytes holds at most n/8 references, so at most n/8/CARRY_AT blocks have an entry: half the
 * room. */
void husk__carry_ensure(struct husk__store *store)
{
    size_t room = store->carry_room ? store->carry_room : 64;
    while (room / 2 < store->bytes_taken / sizeof(void *) / HUSK__CARRY_AT + 1)
        room *= 2;
    if (room == store->carry_room || store->carry_count) /* a search in steps is using it: later */
        return;
    husk_status before = store->failure;
    void *table = husk__charged_resize(store, NULL, 0, room * sizeof(struct husk__carry));
    store->failure = before;
    if (!table)
        return;
    husk__charged_free(store, store->carries, store->carry_room * sizeof(struct husk__carry));
    store->carries = table;
    store->carry_room = room;
}
