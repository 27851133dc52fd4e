/* store/buffer.c: the growing parts of objects: raw bytes that are paced, limited and retried like births. */
#include "store/store.h"

void *husk__buffer_resize(struct husk__store *store, void *old, size_t old_bytes, size_t new_bytes)
{
    if (new_bytes > SIZE_MAX / 4) { /* no system has so much, and sums would overflow */
        store->failure = HUSK_ENOMEM;
        return NULL;
    }
    if (new_bytes > old_bytes)
        husk__store_relieve(store);
    void *block = husk__charged_resize(store, old, old_bytes, new_bytes);
    bool hopeless = store->max_bytes && new_bytes > store->max_bytes;
    for (bool again = false; !block && new_bytes && !hopeless && store->on_limit(store, again); again = true)
        block = husk__charged_resize(store, old, old_bytes, new_bytes);
    if (block || !new_bytes)
        store->raw_bytes += new_bytes - old_bytes;
    if (block && new_bytes > old_bytes)
        husk__store_charged(store);
    return block;
}

void husk__buffer_free(struct husk__store *store, void *old, size_t bytes)
{
    husk__charged_free(store, old, bytes);
    store->raw_bytes -= old ? bytes : 0;
}
