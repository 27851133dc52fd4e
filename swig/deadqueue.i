/* swig/deadqueue.i: queues of the dead. */

/* What a watch carries and what polling gives is a value of the language: host code. */
HUSK_HOST(husk_deadqueue_new)
HUSK_HOST(husk_deadqueue_poll)
HUSK_HOST(husk_deadqueue_poll_many)
HUSK_HOST(husk_deadqueue_count)
HUSK_HOST(husk_deadqueue_watching)
HUSK_HOST(husk_deadqueue_fd)
HUSK_HOST(husk_deadqueue_of)
HUSK_HOST(husk_deadqueue_release)
HUSK_HOST(husk_watch_new)
HUSK_HOST(husk_watch_is_pending)
HUSK_HOST(husk_watch_data)
HUSK_HOST(husk_watch_queue)
HUSK_HOST(husk_watch_detach)
HUSK_HOST(husk_watch_of)
HUSK_HOST(husk_watch_release)
