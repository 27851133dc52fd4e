package husk

// #include <stdlib.h>
// #include "host.h"
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"
)

// An Edge is one reference: slot Name of From holds To. Index counts the references of a part that varies, as the
// values of a list; Name may be empty.
type Edge struct {
	From  Object
	To    any // a handle, or a string
	Name  string
	Index int
}

// String returns "From.Name[Index] -> To".
func (e Edge) String() string { return fmt.Sprintf("%v.%s[%d] -> %v", e.From, e.Name, e.Index, e.To) }

// Objects returns a handle for every live object, or, with a type, for each record of it. Texts are left out, being
// values to Go. Each handle is a reference; Census counts without any.
func (h *Heap) Objects(of ...*Type) ([]Object, error) {
	const op = "Heap.Objects"
	var only *C.husk_type
	switch {
	case len(of) > 1:
		return nil, errorf(op, ErrInvalid, "%d types, and at most one is possible", len(of))
	case len(of) == 1 && of[0] == nil:
		return nil, errorf(op, ErrInvalid, "the type is nil")
	case len(of) == 1 && of[0].c == nil: // to C that would be every type
		return nil, errorf(op, ErrInvalid, "the type was not made by NewType")
	case len(of) == 1:
		only = of[0].c
	}
	if err := h.enter(op); err != nil {
		return nil, err
	}
	defer h.leave()
	walk := C.husk_go_objects(h.c.heap, only)
	found, err := h.walked(op, &walk)
	if err != nil {
		return nil, err
	}
	defer C.free(unsafe.Pointer(walk.found))
	var all []Object
	for _, one := range found {
		if x, ok := h.owned(nil, one.held).(Object); ok {
			all = append(all, x)
		}
	}
	return all, nil
}

// walked gives the findings of a walk as a slice, which lies in C memory. Under the lock.
func (h *Heap) walked(op string, walk *C.husk_go_walk) ([]C.husk_go_found, error) {
	found := unsafe.Slice(walk.found, int(walk.count))
	if walk.failed {
		for _, one := range found {
			C.husk_obj_release(one.held)
		}
		C.free(unsafe.Pointer(walk.found))
		return nil, errorf(op, ErrNoMemory, "%s", ErrNoMemory.Error())
	}
	return found, nil
}

// Referents returns what the object refers to, once for each slot, in the order of the slots.
func (o *Obj) Referents() ([]Edge, error) {
	return o.edges("Referents", func() C.husk_go_walk { return C.husk_go_referents(o.obj) })
}

// Referrers returns who refers to the object: it looks through the whole heap. Handles of Go are no objects and do not
// show.
func (o *Obj) Referrers() ([]Edge, error) {
	return o.edges("Referrers", func() C.husk_go_walk { return C.husk_go_referrers(o.obj) })
}

func (o *Obj) edges(op string, run func() C.husk_go_walk) ([]Edge, error) {
	if err := o.enter(op); err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(o)
	h := o.heap
	defer h.leave()
	walk := run()
	found, err := h.walked(op, &walk)
	if err != nil {
		return nil, err
	}
	defer C.free(unsafe.Pointer(walk.found))
	self := o.typed()
	var all []Edge
	for _, one := range found {
		edge := Edge{Name: C.GoString(one.name), Index: int(one.index)}
		other := h.owned(o.scope, one.held)
		if one.held == one.from && one.to == o.obj {
			edge.From, _ = other.(Object)
			edge.To = self
		} else {
			edge.From, edge.To = self, other
		}
		all = append(all, edge)
	}
	return all, nil
}

// Census counts the live objects by the name of their type, texts included. It makes no handles.
func (h *Heap) Census() (map[string]int, error) {
	if err := h.enter("Heap.Census"); err != nil {
		return nil, err
	}
	defer h.leave()
	census := C.husk_go_count(h.c.heap)
	defer C.free(unsafe.Pointer(census.rows))
	if census.failed {
		return nil, errorf("Heap.Census", ErrNoMemory, "%s", ErrNoMemory.Error())
	}
	all := map[string]int{}
	for _, row := range unsafe.Slice(census.rows, int(census.count)) {
		all[typeOf(row._type).name] += int(row.count)
	}
	return all, nil
}
