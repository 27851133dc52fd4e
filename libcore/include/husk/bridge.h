/* husk/bridge.h: cycles through a language runtime (a host) that has a collector of its own.
 *
 * A host has proxies, each of which owns one reference to an object, and keeps its values in boxes
 * (husk_box_new). A cycle value -> proxy -> object -> box -> value is seen whole by neither collector. A bridge
 * tells the host, for the time of one collection of its own, which proxies lead to which boxes through this
 * heap; with these paths as ordinary host references its collector decides, exactly:
 *
 *   enter    the heap is searched as in a pass, with the references of this host's proxies left out: what is
 *            held by anything else is marked with all it reaches, and plays no part. The rest is condensed
 *            (strongly connected components, Tarjan 1972) into relays: a relay stands for a component from
 *            which boxes of the host can be reached, names the boxes in it, and the relays below it.
 *   host     makes one object for each relay, in order. It owns the values of its boxes, which meanwhile the
 *            boxes do not, and refers to the objects of its kids; the proxy of each tip refers to the object of
 *            its relay. Then it collects. Proxies that die release their objects as always; the heap ends
 *            none of them before leave. When the object of a relay dies the host empties its boxes.
 *   leave    boxes of relays that are still there own their values again; what was released ends. Collect right
 *            after it: until then what else belongs to dead cycles can still be had weakly, its boxes empty.
 *
 * An entry of a weak-key map leads from its key to its value if something else holds the map, from the map to
 * its value if something else holds the key, and else from the key: a map that only its own values reach is then
 * kept by the key.
 *
 * From enter to leave the heap must not change, but for releases: every wrapper, readers included, begins with
 * husk_heap_unbridge. Collecting is HUSK_EBUSY meanwhile. Several heaps of one host enter and leave together.
 * Threads: the heap's owner. */
#ifndef HUSK_BRIDGE_H
#define HUSK_BRIDGE_H

#include <husk/obj.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HUSK_NO_RELAY SIZE_MAX

typedef struct husk_bridge_spec {
    uint32_t struct_size; /* filled by HUSK_BRIDGE_SPEC */
    uint32_t abi;
    husk_obj *const *proxied; /* the object of each proxy: once for each reference that proxies own */
    size_t count;
    husk_free_fn *value_free;  /* boxes made with this function hold values of the host; so do weak references
                                  * with it as data_free, whose data, a callback, leads to host objects too */
    void (*leave)(void *data); /* leaves bridged mode now, with husk_bridge_leave: see husk_heap_unbridge */
    void *data;
} husk_bridge_spec;

#define HUSK_BRIDGE_SPEC .struct_size = (uint32_t)sizeof(husk_bridge_spec), .abi = 1u

/* Valid until leave; read only. */
typedef struct husk_bridge {
    size_t relays;
    const size_t
        *own_at; /* relays + 1 numbers: relay r has the boxes own[own_at[r]] up to own[own_at[r + 1]] */
    husk_obj *const *own; /* boxes, and weak references (husk_weak_of) */
    const size_t *kid_at; /* the same for kids: relays with lower numbers than r, each once */
    const size_t *kid;
    const size_t *tip; /* for each entry of proxied: its relay, or HUSK_NO_RELAY */
} husk_bridge;

/* Enters bridged mode. *out is NULL if no proxy leads to a box: then nothing was entered and leave is not
 * due. HUSK_EBUSY: a hook, a pass, or bridged already; HUSK_ECORRUPT: an object has fewer references than are
 * seen, reported, nothing was entered; HUSK_ENOMEM. Runs no user code. */
HUSK_API husk_status husk_bridge_enter(husk_heap *heap, const husk_bridge_spec *spec,
                                       const husk_bridge **out);

/* Leaves it: frees what enter gave, then ends what was released meanwhile, which runs hooks. */
HUSK_API void husk_bridge_leave(husk_heap *heap);

HUSK_API bool husk_heap_is_bridged(const husk_heap *heap);

/* Calls the spec's leave if the heap is bridged. */
HUSK_API void husk_heap_unbridge(husk_heap *heap);

#ifdef __cplusplus
}
#endif

#endif
