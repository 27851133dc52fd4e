package husk

// #include <stdlib.h>
// #include "calls.h"
import "C"

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"husk.example/husk/internal/raw"
)

// A Type is a record type: a name and fields, declared at run time. Types belong to no heap and live as long as the
// process.
type Type struct {
	c      *C.husk_type
	name   string
	fields []string
	index  map[string]int // with many fields; else they are looked through
}

const fewFields = 8

// types knows a *Type for each C type that was met.
var types = struct {
	mu  sync.RWMutex
	all map[*C.husk_type]*Type
}{all: map[*C.husk_type]*Type{}}

// finalizers by the number that their types carry. Both live as long as the process.
var finalizers = struct {
	mu  sync.RWMutex
	all []func(*Record)
}{}

// NewType declares a record type. Asking again with the same name and fields gives the same type. Names are not empty
// and differ; at most 4096.
func NewType(name string, fields ...string) (*Type, error) {
	return newType("NewType", name, fields, 0)
}

// MustType is NewType for package variables: it panics on an error.
func MustType(name string, fields ...string) *Type { return Must(NewType(name, fields...)) }

// WithFinalizer returns another type of the same name and fields, whose records call fn when they end: once in a
// record's life, while all its fields still hold. fn may store the record somewhere, and so bring it back. The handle
// that fn gets ends with fn. Each call makes a new type, which lives as long as the process.
func (t *Type) WithFinalizer(fn func(*Record)) (*Type, error) {
	if fn == nil {
		return nil, errorf("Type.WithFinalizer", ErrInvalid, "type %s: the function is nil", t.name)
	}
	finalizers.mu.Lock()
	finalizers.all = append(finalizers.all, fn)
	number := len(finalizers.all)
	finalizers.mu.Unlock()
	return newType("Type.WithFinalizer", t.name, t.fields, number)
}

func newType(op, name string, fields []string, finalizer int) (*Type, error) {
	for _, text := range append([]string{name}, fields...) {
		if strings.IndexByte(text, 0) >= 0 {
			return nil, errorf(op, ErrInvalid, "the name %q contains a NUL", text)
		}
	}
	cName := C.CString(name)
	defer C.free(unsafe.Pointer(cName))
	cFields := make([]*C.char, len(fields)+1)
	for i, field := range fields {
		cFields[i] = C.CString(field)
		defer C.free(unsafe.Pointer(cFields[i]))
	}
	runtime.LockOSThread() // the message of a failure belongs to the thread
	defer runtime.UnlockOSThread()
	made := C.husk_go_type_new(cName, &cFields[0], C.size_t(len(fields)), C.uintptr_t(finalizer))
	if made.status != 0 {
		return nil, &Error{Op: op, Code: Code(made.status), Msg: C.GoString(C.husk_message())}
	}
	return typeOf(made._type), nil
}

// typeOf returns the Go side of a C type.
func typeOf(c *C.husk_type) *Type {
	types.mu.RLock()
	t := types.all[c]
	types.mu.RUnlock()
	if t != nil {
		return t
	}
	one := raw.SwigcptrType(uintptr(unsafe.Pointer(c)))
	t = &Type{c: c, name: one.Name()}
	for i := uint64(0); i < one.Slot_count(); i++ {
		t.fields = append(t.fields, one.Slot_name(i))
	}
	if len(t.fields) > fewFields {
		t.index = make(map[string]int, len(t.fields))
		for i, field := range t.fields {
			t.index[field] = i
		}
	}
	types.mu.Lock()
	defer types.mu.Unlock()
	if first := types.all[c]; first != nil {
		return first
	}
	types.all[c] = t
	return t
}

// Name returns the type's name.
func (t *Type) Name() string { return t.name }

// Fields returns the names of the fields, in their order.
func (t *Type) Fields() []string { return append([]string(nil), t.fields...) }

// String returns the declaration: "Node(value, next)".
func (t *Type) String() string { return fmt.Sprintf("%s(%s)", t.name, strings.Join(t.fields, ", ")) }

// field returns the index of a field, or -1.
func (t *Type) field(name string) int {
	if t.index != nil {
		if i, ok := t.index[name]; ok {
			return i
		}
		return -1
	}
	for i, field := range t.fields {
		if field == name {
			return i
		}
	}
	return -1
}

// A Record is a handle of an object with named fields.
type Record struct{ Obj }

func (r *Record) handle() *Obj {
	if r == nil {
		return nil
	}
	return &r.Obj
}

// New makes a record. Values fill its fields in their order; fields without one are nil.
func (h *Heap) New(t *Type, values ...any) (*Record, error) {
	return h.newRecord("Heap.New", nil, t, values)
}

// NewWith makes a record with its fields given by name.
func (h *Heap) NewWith(t *Type, values Values) (*Record, error) {
	r, err := h.newRecord("Heap.NewWith", nil, t, nil)
	if err != nil {
		return nil, err
	}
	return r.fill(values)
}

func (r *Record) fill(values Values) (*Record, error) {
	for name, v := range values {
		if err := r.Set(name, v); err != nil {
			_ = r.Release()
			return nil, err
		}
	}
	return r, nil
}

func (h *Heap) newRecord(op string, s *Scope, t *Type, values []any) (*Record, error) {
	if t == nil {
		return nil, errorf(op, ErrInvalid, "the type is nil")
	}
	if t.c == nil {
		return nil, errorf(op, ErrInvalid, "the type was not made by NewType")
	}
	if len(values) > len(t.fields) {
		return nil, errorf(op, ErrRange, "%d values for the %d fields of %s", len(values), len(t.fields), t.name)
	}
	if err := h.enterFor(op, s); err != nil {
		return nil, err
	}
	h.willMake()
	obj := C.husk_record_new(h.c.heap, t.c)
	if obj == nil {
		err := h.failure(op, Code(C.husk_heap_failure(h.c.heap)))
		h.leave()
		return nil, err
	}
	o := h.adopt(s, obj, KindRecord)
	o.typ = t
	r := (*Record)(unsafe.Pointer(o))
	for i, v := range values {
		if err := r.store(op, i, v); err != nil {
			C.husk_obj_release(h.drop(o))
			h.leave()
			return nil, err
		}
	}
	h.leave()
	return r, nil
}

// Type returns the record's type.
func (r *Record) Type() (*Type, error) {
	if err := r.enter("Record.Type"); err != nil {
		return nil, err
	}
	t := r.typeOf()
	r.heap.leave()
	runtime.KeepAlive(r)
	return t, nil
}

// at enters and returns the index of a field. On an error the lock is free.
func (r *Record) at(op, name string) (int, error) {
	if err := r.enter(op); err != nil {
		return 0, err
	}
	t := r.typeOf()
	i := t.field(name)
	if i < 0 {
		r.heap.leave()
		return 0, errorf(op, ErrMissing, "%s has no field '%s'", t.name, name)
	}
	return i, nil
}

func (r *Record) fetch(op, name string, p *plain) error {
	i, err := r.at(op, name)
	if err != nil {
		return err
	}
	h := r.heap
	C.husk_go_call_record_get(h.host, C.uintptr_t(r.id), C.size_t(i))
	slot := h.c.slot
	if statusOf(slot) == 0 {
		h.lift(r.scope, slot, p)
	} else {
		err = h.failure(op, statusOf(slot))
	}
	h.leave()
	runtime.KeepAlive(r)
	return err
}

// Get returns the value of a field.
func (r *Record) Get(name string) (any, error) {
	var p plain
	if err := r.fetch("Record.Get", name, &p); err != nil {
		return nil, err
	}
	return p.any(), nil
}

// Get returns the value of a field as a T: see As. It allocates nothing for numbers.
func Get[T any](r *Record, name string) (T, error) {
	var out T
	var p plain
	if r == nil {
		return out, errorf("Get", ErrInvalid, "the record is a nil pointer")
	}
	if err := r.fetch("Get", name, &p); err != nil {
		return out, err
	}
	return out, into("Get", &p, &out)
}

// Set stores a value in a field.
func (r *Record) Set(name string, v any) error {
	i, err := r.at("Record.Set", name)
	if err != nil {
		return err
	}
	err = r.store("Record.Set", i, v)
	r.heap.leave()
	runtime.KeepAlive(r)
	return err
}

// store sets a field by its index. Under the lock.
func (r *Record) store(op string, i int, v any) error {
	h := r.heap
	a, err := h.arg(op, v)
	if err != nil {
		return err
	}
	var status C.husk_status
	if a.tag == tagText {
		h.willMake()
		status = C.husk_go_call_store(C.HUSK_GO_RECORD_SET, C.uintptr_t(r.id), C.size_t(i), C.uint64_t(a.tag), 0, a.text)
	} else {
		status = C.husk_go_call_record_set(C.uintptr_t(r.id), C.size_t(i), C.uint64_t(a.tag), C.uint64_t(a.bits))
	}
	if status == 0 {
		return nil
	}
	return h.failure(op, Code(status))
}

// Each calls fn for every field in order, nil ones too, until it returns false.
func (r *Record) Each(fn func(name string, v any) bool) error {
	t, err := r.Type()
	if err != nil {
		return err
	}
	for _, name := range t.fields {
		var p plain
		if err := r.fetch("Record.Each", name, &p); err != nil {
			return err
		}
		if !fn(name, p.any()) {
			break
		}
	}
	return nil
}

// All is Each for range loops of Go 1.23 and later: an iter.Seq2. It ends early if the handle dies.
func (r *Record) All() func(yield func(name string, v any) bool) {
	return func(yield func(string, any) bool) { _ = r.Each(yield) }
}
