/* object/own.c: which code is the library's: the functions that a program calls when something is born or, in a
 * ledger, retained and released. Their frames, and what stands among them, are not shown in tracebacks
 * (trace/capture.h). */
#include "object/ledgered.h"
#include "object/traced.h"

#include <husk/deadqueue.h>
#include <husk/kinds.h>
#include <husk/soft.h>
#include <husk/trace.h>
#include <husk/weakmap.h>

/* A program that links the library statically takes what it uses: asking for their addresses must not pull the rest
 * in. */
#pragma weak husk_cleanup_new
#pragma weak husk_soft_new
#pragma weak husk_soft_lock
#pragma weak husk_deadqueue_new
#pragma weak husk_watch_new
#pragma weak husk_deadqueue_poll
#pragma weak husk_obj_set
#pragma weak husk_obj_take
#pragma weak husk_obj_swap
#pragma weak husk_record_new
#pragma weak husk_list_new
#pragma weak husk_list_append
#pragma weak husk_list_insert
#pragma weak husk_map_new
#pragma weak husk_map_set
#pragma weak husk_text_new
#pragma weak husk_box_new
#pragma weak husk_weakkeymap_new
#pragma weak husk_weakkeymap_set
#pragma weak husk_weakvaluemap_new
#pragma weak husk_weakvaluemap_set
#pragma weak husk_weakset_new
#pragma weak husk_weakset_add

void husk__know_own_code(void)
{
#define FUNCTION(name) (const void *)(uintptr_t)(name)
    const void *const functions[] = {
        FUNCTION(husk_obj_new),
        FUNCTION(husk_obj_new_items),
        FUNCTION(husk_buffer_new),
        FUNCTION(husk_buffer_resize),
        FUNCTION(husk_weak_new),
        FUNCTION(husk_cleanup_new),
        FUNCTION(husk_soft_new),
        FUNCTION(husk_deadqueue_new),
        FUNCTION(husk_watch_new),
        FUNCTION(husk_record_new),
        FUNCTION(husk_list_new),
        FUNCTION(husk_list_append),
        FUNCTION(husk_list_insert),
        FUNCTION(husk_map_new),
        FUNCTION(husk_map_set),
        FUNCTION(husk_text_new),
        FUNCTION(husk_box_new),
        FUNCTION(husk_weakkeymap_new),
        FUNCTION(husk_weakkeymap_set),
        FUNCTION(husk_weakvaluemap_new),
        FUNCTION(husk_weakvaluemap_set),
        FUNCTION(husk_weakset_new),
        FUNCTION(husk_weakset_add),
        FUNCTION(husk_trace_block),
        /* of the ledger: what retains and releases */
        FUNCTION(husk_obj_set),
        FUNCTION(husk_obj_take),
        FUNCTION(husk_obj_swap),
        FUNCTION(husk_weak_lock),
        FUNCTION(husk_soft_lock),
        FUNCTION(husk_deadqueue_poll),
        FUNCTION(husk__retain_slow_1),
        FUNCTION(husk__release_slow_1),
        FUNCTION(husk__ledgered_retain),
    };
#undef FUNCTION
    husk__capture_own(functions, sizeof functions / sizeof *functions);
}
