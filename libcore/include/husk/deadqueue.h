/* husk/deadqueue.h: a queue of the dead, to be polled: what a callback is told at once, here waits until asked for.
 *
 * A watch registers an object with a queue. When the object has died, by counting or in a pass, its watch waits in
 * the queue, in the order of death: all those of one pass before any callback runs. No code of the program runs for
 * that, no memory is asked for: the watch is the entry. Whoever polls gets the watch and its data, never the object.
 * (As ReferenceQueue and PhantomReference of the JVM; but the queue itself holds its watches.)
 *
 * An object that comes back has not died: its watches stay. A queue, its watches and what they watch belong to one
 * heap. When the queue ends, its watches are taken off; when the heap closes, nothing waits any more.
 * Threads: the heap's owner; the descriptor may be waited on by any thread. */
#ifndef HUSK_DEADQUEUE_H
#define HUSK_DEADQUEUE_H

#include <husk/weak.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Both are counted objects. Who passes one to a function here holds a reference to it. */
typedef struct husk_deadqueue husk_deadqueue;
typedef struct husk_watch husk_watch;

/* An empty queue. NULL: HUSK_ENOMEM, HUSK_ELIMIT. */
HUSK_API HUSK_NEW husk_deadqueue *husk_deadqueue_new(husk_heap *heap);

/* Watches obj, any number of times. data_free(data) follows when the watch ends: after it was polled or detached and
 * released, or with the queue; or at once if this call fails. The reference is the caller's and may be released at
 * once, the queue has its own. NULL: HUSK_ENOMEM, HUSK_ELIMIT, HUSK_EHEAP (obj is of another heap than the queue);
 * obj is unharmed. */
HUSK_API HUSK_NEW husk_watch *husk_watch_new(husk_deadqueue *queue, husk_obj *obj, void *data,
                                             HUSK_NULLABLE husk_free_fn *data_free);

/* The watch of the one that died first of those waiting, taken out of the queue; the reference is the caller's. NULL:
 * none waits. Never blocks, runs nothing. */
HUSK_API HUSK_NEW HUSK_NULLABLE husk_watch *husk_deadqueue_poll(husk_deadqueue *queue);

/* Up to `most` of them at once into out, in order; each reference is the caller's. Returns how many. */
HUSK_API size_t husk_deadqueue_poll_many(husk_deadqueue *queue, husk_watch **out, size_t most);

/* How many wait; and how many watches are there whose objects have not died. */
HUSK_API size_t husk_deadqueue_count(const husk_deadqueue *queue);
HUSK_API size_t husk_deadqueue_watching(const husk_deadqueue *queue);

/* A descriptor that is readable exactly while watches wait, for poll, epoll and event loops (eventfd of Linux). Made
 * at the first call, closed with the queue; do not read, write or close it. Children of fork share it: there make a
 * queue of their own. -1: the system refused (HUSK_EIO). */
HUSK_API int husk_deadqueue_fd(husk_deadqueue *queue);

/* Its object has not died, and it is still in a queue: polled ones and detached ones are not pending. */
HUSK_API bool husk_watch_is_pending(const husk_watch *watch);

/* The data it was made with, until it ends. */
HUSK_API void *husk_watch_data(const husk_watch *watch);

/* The queue it is in, borrowed; NULL: none any more. */
HUSK_API HUSK_BORROWED HUSK_NULLABLE husk_deadqueue *husk_watch_queue(const husk_watch *watch);

/* Takes it out of its queue, whether its object has died or not. False: it was in none. */
HUSK_API bool husk_watch_detach(husk_watch *watch);

/* A watch is a weak reference to its object and counts as one: husk_weak_lock gives the object while it lives. The
 * same pointers, borrowed. */
static inline HUSK_BORROWED husk_weak *husk_watch_weak(husk_watch *watch)
{
    return (husk_weak *)(void *)watch;
}
static inline HUSK_BORROWED husk_obj *husk_watch_obj(husk_watch *watch)
{
    return (husk_obj *)(void *)watch;
}
static inline HUSK_BORROWED husk_obj *husk_deadqueue_obj(husk_deadqueue *queue)
{
    return (husk_obj *)(void *)queue;
}

/* The watch, the queue that this object is, or NULL. Borrowed. */
HUSK_API HUSK_BORROWED HUSK_NULLABLE husk_watch *husk_watch_of(husk_obj *obj);
HUSK_API HUSK_BORROWED HUSK_NULLABLE husk_deadqueue *husk_deadqueue_of(husk_obj *obj);

/* Ends the caller's hold; NULL is fine. A watch in a queue stays there; a queue ends if nobody else holds it. */
static inline void husk_watch_release(HUSK_NULLABLE husk_watch *watch)
{
    if (watch)
        husk_obj_release(husk_watch_obj(watch));
}
static inline void husk_deadqueue_release(HUSK_NULLABLE husk_deadqueue *queue)
{
    if (queue)
        husk_obj_release(husk_deadqueue_obj(queue));
}

#ifdef __cplusplus
}
#endif

#endif
