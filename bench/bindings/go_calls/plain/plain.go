// Package plain calls the library by cgo and does nothing else: no lock, no errors, no handles; whoever gets an object
// releases it by hand. What a call of package husk costs is measured beside it.
package plain

// #cgo pkg-config: husk
// #include <husk.h>
//
// static husk_heap *heap_new(void)
// {
//     husk_heap *heap = NULL;
//     return husk_heap_new(NULL, &heap) == HUSK_OK ? heap : NULL;
// }
// static const husk_type *node_type(void)
// {
//     static const char *const fields[] = { "value", "next", "other" };
//     const husk_type *type = NULL;
//     return husk_record_type("PlainNode", fields, 3, NULL, NULL, &type) == HUSK_OK ? type : NULL;
// }
// static int64_t get_int(const husk_obj *record, size_t field)
// {
//     husk_value v;
//     return husk_record_peek(record, field, &v) == HUSK_OK && v.tag == HUSK_INT ? v.as.i : -1;
// }
// static husk_obj *get_obj(const husk_obj *record, size_t field)
// {
//     husk_value v;
//     if (husk_record_peek(record, field, &v) != HUSK_OK || v.tag != HUSK_OBJ)
//         return NULL;
//     husk_obj_retain(v.as.o);
//     return v.as.o;
// }
// static husk_status set_int(husk_obj *record, size_t field, int64_t i)
// {
//     return husk_record_set(record, field, husk_int(i));
// }
// static husk_status set_obj(husk_obj *record, size_t field, husk_obj *obj)
// {
//     return husk_record_set(record, field, husk_ref(obj));
// }
// static void retain(husk_obj *obj) { husk_obj_retain(obj); }
// static void release(husk_obj *obj) { husk_obj_release(obj); }
import "C"

// A Heap, and an Object in it.
type (
	Heap   = *C.husk_heap
	Object = *C.husk_obj
)

var node = C.node_type()

// NewHeap makes a heap.
func NewHeap() Heap { return C.heap_new() }

// Close ends it.
func Close(h Heap) { C.husk_heap_close(h) }

// New makes a record with three fields.
func New(h Heap) Object { return C.husk_record_new(h, node) }

// GetInt reads an integer field.
func GetInt(o Object, field int) int64 { return int64(C.get_int(o, C.size_t(field))) }

// GetObject reads an object field. The caller releases it.
func GetObject(o Object, field int) Object { return C.get_obj(o, C.size_t(field)) }

// SetInt stores an integer.
func SetInt(o Object, field int, i int64) bool {
	return C.set_int(o, C.size_t(field), C.int64_t(i)) == C.HUSK_OK
}

// SetObject stores an object.
func SetObject(o Object, field int, v Object) bool {
	return C.set_obj(o, C.size_t(field), v) == C.HUSK_OK
}

// Count returns the number of references.
func Count(o Object) int { return int(C.husk_obj_strong_count(o)) }

// Retain adds a reference.
func Retain(o Object) { C.retain(o) }

// Release gives one back.
func Release(o Object) { C.release(o) }
