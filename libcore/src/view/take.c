/* view/take.c: a snapshot, put together from its parts: what is known of time and program (takeabout.c), of the
 * process (takeprocess.c), of the heap's objects (takegraph.c) and of places (takesites.c). What does not fit into the
 * limit is tried again without references. */
#include "view/take.h"

#include "object/death.h"

static husk_status take(husk_heap *heap, const husk_snapshot_options *o, bool edges, pid_t pid,
                        husk_snapshot **out)
{
    struct husk_snapshot *snapshot = husk__snap_new(o->max_bytes);
    /* Figures come before what makes the snapshot large: it must not be in them. */
    bool ok = snapshot && husk__take_about(snapshot, heap, edges, pid) &&
              husk__take_figures(snapshot, heap, o->flags, pid) &&
              (!heap || husk__take_graph(snapshot, heap, edges)) &&
              husk__take_sites(snapshot, heap, o->flags);
    if (ok) {
        husk__snap_settle(snapshot);
        *out = snapshot;
        return HUSK_OK;
    }
    bool over = snapshot ? snapshot->over : o->max_bytes != 0;
    husk_snapshot_free(snapshot);
    return over ? HUSK_ELIMIT : HUSK_ENOMEM;
}

husk_status husk__take(husk_heap *heap, const husk_snapshot_options *options, pid_t pid, husk_snapshot **out)
{
    static const husk_snapshot_options plain = { HUSK_SNAPSHOT_OPTIONS };
    const husk_snapshot_options *o = options ? options : &plain;
    if (o->struct_size != sizeof *o || o->abi != 1u)
        return husk_fail(HUSK_EINVAL,
                         "snapshot options of %u bytes, abi %u: this library knows %zu bytes, abi 1",
                         o->struct_size, o->abi, sizeof *o);
    if (heap && (heap->busy & BUSY_WORK))
        return husk_fail(HUSK_EBUSY, "snapshot of heap %s: %s", heap->name, husk_status_text(HUSK_EBUSY));
    if (heap)
        (void)husk__drain_rest(heap);
    bool edges = !(o->flags & HUSK_SNAPSHOT_NO_EDGES);
    husk_status status = take(heap, o, edges, pid, out);
    if (status == HUSK_ELIMIT && edges)
        status = take(heap, o, false, pid, out);
    if (status == HUSK_ELIMIT)
        return husk_fail(status, "snapshot: it does not fit into %zu bytes, even without references",
                         o->max_bytes);
    return status ? husk_fail(status, "snapshot: %s", husk_status_text(status)) : HUSK_OK;
}

husk_status husk_snapshot_new(husk_heap *heap, const husk_snapshot_options *options, husk_snapshot **out)
{
    return husk__take(heap, options, 0, out);
}
