/* husk.h: everything public, in reading order.
 *
 * A program makes a heap, registers its types, and makes objects. Objects are counted; weak references do not
 * count; the collector finds what only holds itself. Each header opens with its own rules. */
#ifndef HUSK_H
#define HUSK_H

#include <husk/base.h>     /* handles, ownership words, version */
#include <husk/status.h>   /* the list of errors */
#include <husk/heap.h>     /* a heap: making, closing, limits, figures, buffers */
#include <husk/type.h>     /* what an object looks like: size, slots, hooks */
#include <husk/obj.h>      /* objects: birth, counts, slots */
#include <husk/inline.h>   /* retain and release, inline */
#include <husk/weak.h>     /* references that do not keep alive */
#include <husk/pacing.h>   /* when passes start, what that promises, how they are held off */
#include <husk/collect.h>  /* the cycle collector and its controls */
#include <husk/passes.h>   /* what each pass did and why; pauses */
#include <husk/gcstat.h>   /* the same, from another process */
#include <husk/step.h>     /* collecting in steps, and when young pages are looked at */
#include <husk/parallel.h> /* full passes on several threads */
#include <husk/census.h>   /* rows of the reports below */
#include <husk/dryrun.h>   /* what a collect would do */
#include <husk/hidden.h>   /* who is held from outside the heap */
#include <husk/leaks.h>    /* unreachable objects told instead of freed */
#include <husk/walk.h>     /* looking without touching */
#include <husk/value.h>    /* nil, boolean, integer, double, reference */
#include <husk/kinds.h>    /* record, list, map, text, box: ready-made types */
#include <husk/weakmap.h>  /* weak-key map (ephemerons), weak-value map, weak set */
#include <husk/cleanup.h>  /* the finalize registry */
#include <husk/soft.h>     /* references that keep alive until memory is short */
#include <husk/deadqueue.h> /* a queue of the dead, to be polled */
#include <husk/bridge.h>   /* cycles through a language runtime with a collector of its own */
#include <husk/trace.h>    /* who asked for the bytes: recording where things are made */
#include <husk/ledger.h>   /* who holds references, taken where */
#include <husk/snapshot.h> /* the state of a heap at one moment */
#include <husk/path.h>     /* why an object is alive */
#include <husk/stats.h>    /* who has how much: grouped, sorted, compared */
#include <husk/report.h>   /* a snapshot in the forms that other programs read */
#include <husk/process.h>  /* the memory of a process, its cgroup, the machine */
#include <husk/classes.h>  /* a heap's memory by size class and by type */
#include <husk/balance.h>  /* where the process's memory went, row by row, and a verdict */
#include <husk/debug.h>    /* verify, injected memory failures */

#endif
