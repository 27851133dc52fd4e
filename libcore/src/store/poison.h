/* store/poison.h: what AddressSanitizer is told of blocks. In builds without it nothing of this remains. */
#ifndef HUSK_STORE_POISON_H
#define HUSK_STORE_POISON_H

#if defined(__SANITIZE_ADDRESS__)
#define HUSK__POISONED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HUSK__POISONED 1
#endif
#endif
#ifndef HUSK__POISONED
#define HUSK__POISONED 0
#endif
#if HUSK__POISONED
/* Free blocks are poisoned but for their first 16 bytes, so that a use after free is seen. Births are then
 * handed out one by one: only the slow road takes the poison off. */
#include <sanitizer/asan_interface.h>
#define HUSK__POISON(at, bytes) __asan_poison_memory_region((at), (bytes))
#define HUSK__UNPOISON(at, bytes) __asan_unpoison_memory_region((at), (bytes))
#define HUSK__POISON_FREE(block, page) HUSK__POISON((char *)(block) + 16, husk__block_bytes(page) - 16)
#else
#define HUSK__POISON(at, bytes) ((void)(at), (void)sizeof(bytes)) /* not evaluated */
#define HUSK__UNPOISON(at, bytes) ((void)(at), (void)sizeof(bytes))
#define HUSK__POISON_FREE(block, page)                                                                       \
    ((void)(block), (void)(page)) /* no look at the size on the fast path */
#endif

#endif
