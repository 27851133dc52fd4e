/* object/deadqueue.h: the inside of a queue of the dead and of its watches.
 *
 *   queue.watching --> newest <--> ... <--> oldest               their objects live
 *   queue.first    --> died first <--> ... <--> died last <-- *queue.end     they wait to be polled
 *
 * A watch is in one of the lists while queue != NULL; the queue has a reference to it then. It waits exactly if its
 * weak part has ended. */
#ifndef HUSK_OBJECT_DEADQUEUE_H
#define HUSK_OBJECT_DEADQUEUE_H

#include "object/weak.h"

#include <husk/deadqueue.h>

struct husk_watch {
    struct husk_weak weak; /* first: it is one, of a type of its own, without fn */
    husk_deadqueue *queue;
    husk_watch *next, **back;
    bool waits;
};

struct husk_deadqueue {
    struct husk_obj head;
    husk_watch *watching, *first;
    husk_watch **end; /* where the next one to wait is linked */
    size_t watching_count, count;
    int fd; /* -1: none */
};

/* Its object has just died. */
void husk__watch_arrive(husk_heap *heap, husk_watch *watch);

/* It has no count any more: leaves the list that it is in. */
void husk__watch_end(husk_watch *watch);

/* What does not hold of the object, a queue if it is one, or NULL. */
const char *husk__deadqueue_wrong(const husk_heap *heap, husk_obj *obj);

#endif
