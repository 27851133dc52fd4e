/* bindings/go/calls.h: the calls in the shape in which Go makes them: numbers, and Go strings as _GoString_, which
 * cgo passes without a copy. Only for the preambles of Go files, where cgo declares _GoString_. */
#ifndef HUSK_GO_CALLS_H
#define HUSK_GO_CALLS_H

#include "host.h"

static inline husk_value husk_go_value(uint64_t tag, uint64_t bits)
{
    husk_value v;
    v.tag = tag;
    v.as.b = bits;
    return v;
}

static inline husk_go_arg husk_go_arg_of(uint64_t tag, uint64_t bits, _GoString_ text)
{
    husk_go_arg arg = { husk_go_value(tag, bits), NULL, 0 };
    if (tag == HUSK_GO_TEXT) {
        arg.bytes = _GoStringPtr(text);
        arg.length = _GoStringLen(text);
    }
    return arg;
}

/* Objects come as numbers where it counts: cgo would look at what a pointer points to. */
static inline husk_obj *husk_go_obj(uintptr_t id)
{
    return (husk_obj *)id;
}

/* husk_go_slot_of, for what holds no object without a call. */
static inline husk_go_slot husk_go_slot_from(husk_status status, husk_value v)
{
    if (v.tag == HUSK_OBJ)
        return husk_go_slot_of(status, v);
    return (husk_go_slot){ v.as.b, v.tag | (uint64_t)(uint8_t)-status << 16 };
}

/* The most frequent store, of no text, without the detour. */
static inline husk_status husk_go_call_record_set(uintptr_t record, size_t field, uint64_t tag, uint64_t bits)
{
    husk_obj *self = husk_go_obj(record);
    husk_obj_retain(self);
    husk_status status = husk_record_set(self, field, husk_go_value(tag, bits));
    husk_obj_release(self);
    return status;
}

static inline void husk_go_call_record_get(uintptr_t host, uintptr_t record, size_t field)
{
    husk_value v = husk_nil();
    husk_status status = husk_record_peek(husk_go_obj(record), field, &v);
    ((husk_go_host *)host)->slot = husk_go_slot_from(status, v);
}

static inline void husk_go_call_list_get(uintptr_t host, uintptr_t list, size_t index)
{
    husk_value v = husk_nil();
    husk_status status = husk_list_peek(husk_go_obj(list), index, &v);
    ((husk_go_host *)host)->slot = husk_go_slot_from(status, v);
}

static inline husk_status husk_go_call_store(husk_go_op op, uintptr_t self, size_t index, uint64_t tag,
                                             uint64_t bits, _GoString_ text)
{
    return husk_go_store(op, husk_go_obj(self), index, (husk_go_arg){ .v = husk_nil() },
                         husk_go_arg_of(tag, bits, text));
}

static inline husk_status husk_go_call_store_at(husk_go_op op, uintptr_t self, uint64_t key_tag,
                                                uint64_t key_bits, _GoString_ key_text, uint64_t tag,
                                                uint64_t bits, _GoString_ text)
{
    return husk_go_store(op, husk_go_obj(self), 0, husk_go_arg_of(key_tag, key_bits, key_text),
                         husk_go_arg_of(tag, bits, text));
}

static inline void husk_go_call_map_get(uintptr_t host, uintptr_t map, uint64_t tag, uint64_t bits,
                                        _GoString_ text, bool weak)
{
    ((husk_go_host *)host)->slot = husk_go_map_get(husk_go_obj(map), husk_go_arg_of(tag, bits, text), weak);
}

static inline husk_status husk_go_call_map_remove(uintptr_t map, uint64_t tag, uint64_t bits, _GoString_ text,
                                                  bool weak)
{
    return husk_go_map_remove(husk_go_obj(map), husk_go_arg_of(tag, bits, text), weak);
}

static inline uint32_t husk_go_call_frame_new(husk_go_host *host, _GoString_ file, _GoString_ function,
                                              uint32_t line)
{
    return husk_go_frame_new(host, _GoStringPtr(file), _GoStringLen(file), _GoStringPtr(function),
                             _GoStringLen(function), line);
}

/* husk_weak and husk_cleanup are objects; the casts belong to C. */
static inline husk_weak *husk_go_as_weak(husk_obj *obj)
{
    return husk_weak_of(obj);
}
static inline husk_cleanup *husk_go_as_cleanup(husk_obj *obj)
{
    return husk_cleanup_of(obj);
}
static inline husk_obj *husk_go_weak_obj(husk_weak *weak)
{
    return husk_weak_obj(weak);
}
static inline husk_obj *husk_go_cleanup_obj(husk_cleanup *cleanup)
{
    return husk_cleanup_obj(cleanup);
}

static inline husk_status husk_go_call_weakkeymap_remove(husk_obj *map, husk_obj *key)
{
    husk_obj_retain(map);
    husk_status status = husk_weakkeymap_remove(map, key);
    husk_obj_release(map);
    return status;
}

static inline void husk_go_call_weakkeymap_get(uintptr_t host, const husk_obj *map, husk_obj *key)
{
    husk_value v = husk_nil();
    husk_status status = husk_weakkeymap_peek(map, key, &v);
    ((husk_go_host *)host)->slot = husk_go_slot_of(status, v);
}

#endif
