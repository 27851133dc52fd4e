package trace

// #include "host.h"
import "C"

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"

	"husk.example/husk"
	"husk.example/husk/internal/door"
)

// ErrClosed is the reason when a snapshot is used after Close. Errors of it are husk.ErrState too.
var ErrClosed = errors.New("husk: the snapshot is closed")

// A Snapshot is the state of a heap at one moment: its objects, the references between them, where they were made, and
// the memory of the process. It never changes. Any goroutine may use it.
type Snapshot struct {
	mu     sync.Mutex
	c      *C.husk_snapshot
	users  int // calls that are under way: the last one frees it when it was closed meanwhile
	closed bool
}

// SnapshotOptions say what goes into a snapshot. The zero value is fine.
type SnapshotOptions struct {
	NoEdges   bool   // leave out references; then hidden ones are not known
	NoProcess bool   // do not ask the system about the process
	NoBlocks  bool   // leave out memory that is no object (husk_trace_block)
	Maps      bool   // with the list of the process's mappings
	MaxBytes  uint64 // never exceeded, in memory and as a file; 0: none. Edges are left out first
}

func (o SnapshotOptions) flags() (flags C.uint32_t) {
	for flag, on := range map[C.uint32_t]bool{
		C.HUSK_SNAPSHOT_NO_EDGES: o.NoEdges, C.HUSK_SNAPSHOT_NO_PROCESS: o.NoProcess,
		C.HUSK_SNAPSHOT_NO_BLOCKS: o.NoBlocks, C.HUSK_SNAPSHOT_MAPS: o.Maps,
	} {
		if on {
			flags |= flag
		}
	}
	return flags
}

func oneOptions(op string, options []SnapshotOptions) (o SnapshotOptions, err error) {
	switch len(options) {
	case 0:
	case 1:
		o = options[0]
	default:
		return o, fail(op, husk.ErrInvalid, "%d SnapshotOptions, and at most one is possible", len(options))
	}
	if uint64(C.size_t(o.MaxBytes)) != o.MaxBytes {
		return o, fail(op, husk.ErrRange, "MaxBytes %d is more than this machine can address", o.MaxBytes)
	}
	return o, nil
}

func wrap(c *C.husk_snapshot) *Snapshot {
	s := &Snapshot{c: c}
	runtime.SetFinalizer(s, func(s *Snapshot) { _ = s.Close() })
	return s
}

// Take takes a snapshot. Handles that Go's collector has let go, and the heap not yet ended, are in it as references from
// outside: Heap.Drain before ends them. ErrBusy: a finalizer or callback of the heap runs; ErrLimit: MaxBytes does not
// suffice.
func Take(h *husk.Heap, options ...SnapshotOptions) (*Snapshot, error) {
	const op = "trace.Take"
	o, err := oneOptions(op, options)
	if err != nil {
		return nil, err
	}
	heap, err := door.Lock(h, op)
	if err != nil {
		return nil, err
	}
	defer door.Unlock(h)
	var c *C.husk_snapshot
	err = try(op, func() C.husk_status {
		return C.husk_go_snapshot((*C.husk_heap)(heap), o.flags(), C.size_t(o.MaxBytes), &c)
	})
	if err != nil {
		return nil, err
	}
	return wrap(c), nil
}

// Load opens a file, which is mapped, and checked to the last index: what loads is sound. It must not be changed while it
// is in use. ErrFormat: it is no snapshot, or damaged, or of a later version or another architecture; ErrIO: it cannot
// be read.
func Load(path string) (*Snapshot, error) {
	const op = "trace.Load"
	name, free, err := cString(op, "the path", path)
	if err != nil {
		return nil, err
	}
	defer free()
	var c *C.husk_snapshot
	if err := try(op, func() C.husk_status { return C.husk_snapshot_load(name, &c) }); err != nil {
		return nil, err
	}
	return wrap(c), nil
}

// A Child is a process that takes and saves a snapshot.
type Child struct {
	pid  C.int64_t
	once sync.Once
	err  error
}

// Fork takes and saves a snapshot in a child of this process, so that the heap stops for the fork alone. Wait must be
// called.
func Fork(h *husk.Heap, path string, options ...SnapshotOptions) (*Child, error) {
	const op = "trace.Fork"
	o, err := oneOptions(op, options)
	if err != nil {
		return nil, err
	}
	name, free, err := cString(op, "the path", path)
	if err != nil {
		return nil, err
	}
	defer free()
	heap, err := door.Lock(h, op)
	if err != nil {
		return nil, err
	}
	defer door.Unlock(h)
	child := &Child{}
	err = try(op, func() C.husk_status {
		return C.husk_go_fork((*C.husk_heap)(heap), o.flags(), C.size_t(o.MaxBytes), name, &child.pid)
	})
	if err != nil {
		return nil, err
	}
	return child, nil
}

// PID returns the child's process id.
func (c *Child) PID() int { return int(c.pid) }

// Wait waits until the file is there, or says why it is not. Asked again it says the same.
func (c *Child) Wait() error {
	c.once.Do(func() {
		c.err = try("Child.Wait", func() C.husk_status { return C.husk_snapshot_fork_wait(c.pid) })
	})
	return c.err
}

// ---- using and ending ----

// enter begins a call, which leave ends.
func (s *Snapshot) enter(op string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.c == nil {
		return door.Error(op, int(husk.ErrState), "the snapshot is closed", ErrClosed)
	}
	s.users++
	return nil
}

func (s *Snapshot) leave() {
	s.mu.Lock()
	s.users--
	s.endUnused()
	s.mu.Unlock()
}

func (s *Snapshot) endUnused() {
	if s.closed && s.users == 0 {
		C.husk_snapshot_free(s.c)
		s.c = nil
	}
}

// Close ends the snapshot: its memory, or the mapping of its file, goes back when the calls that use it now have
// returned. Closing again does nothing.
func (s *Snapshot) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		runtime.SetFinalizer(s, nil)
		s.endUnused()
	}
	return nil
}

// Save writes the snapshot to a file, all or nothing: what was there before stays as it was if it fails. ErrIO says why.
func (s *Snapshot) Save(path string) error {
	const op = "Snapshot.Save"
	name, free, err := cString(op, "the path", path)
	if err != nil {
		return err
	}
	defer free()
	if err := s.enter(op); err != nil {
		return err
	}
	defer s.leave()
	return try(op, func() C.husk_status { return C.husk_snapshot_save(s.c, name) })
}

// ---- what is in it ----

// Counts say how much is in a snapshot.
type Counts struct {
	Objects, ObjectBytes int // headers and slack included
	Edges, WeakEdges     int // strong ones; weak ones and entries of weak-key maps
	Buffers, BufferBytes int // traced growing parts of lists and maps
	Blocks, BlockBytes   int // of husk_trace_block
	Traced               int // objects, buffers and blocks whose place is known; when sampled: samples
	Types, Records       int
	Stacks, Frames       int
	Bytes                int // of the snapshot itself
}

// Counts returns them; all are 0 for a closed snapshot.
func (s *Snapshot) Counts() Counts {
	if s.enter("Snapshot.Counts") != nil {
		return Counts{}
	}
	defer s.leave()
	var c C.husk_snapshot_counts
	C.husk_snapshot_counts_get(s.c, &c)
	return Counts{
		Objects: int(c.objects), ObjectBytes: int(c.object_bytes), Edges: int(c.edges), WeakEdges: int(c.weak_edges),
		Buffers: int(c.buffers), BufferBytes: int(c.buffer_bytes), Blocks: int(c.blocks), BlockBytes: int(c.block_bytes),
		Traced: int(c.traced), Types: int(c.types), Records: int(c.records), Stacks: int(c.stacks), Frames: int(c.frames),
		Bytes: int(c.bytes),
	}
}

// String returns the first of the counts in one line.
func (s *Snapshot) String() string {
	if s.enter("Snapshot.String") != nil {
		return "snapshot (closed)"
	}
	s.leave()
	c := s.Counts()
	return fmt.Sprintf("snapshot of %d objects, %d bytes", c.Objects, c.ObjectBytes)
}

// Text returns a text about the snapshot: "husk" (the version), "time", "command", "pid", "heap" (its name), "edges" ("left
// out"), and what Note added. False: there is none.
func (s *Snapshot) Text(key string) (string, bool) {
	name, free, err := cString("Snapshot.Text", "the key", key)
	if err != nil {
		return "", false
	}
	defer free()
	if s.enter("Snapshot.Text") != nil {
		return "", false
	}
	defer s.leave()
	text := C.husk_snapshot_text(s.c, name)
	return C.GoString(text), text != nil
}

// Keys returns the keys of all texts, in their order.
func (s *Snapshot) Keys() []string {
	var all []string
	if s.enter("Snapshot.Keys") != nil {
		return nil
	}
	defer s.leave()
	for i := C.size_t(0); ; i++ {
		key := C.husk_snapshot_text_key(s.c, i)
		if key == nil {
			return all
		}
		all = append(all, C.GoString(key))
	}
}

// Note adds or replaces a text, which survives the file. ErrBusy: another call uses the snapshot right now.
func (s *Snapshot) Note(key, text string) error {
	const op = "Snapshot.Note"
	c := cStrings{op: op}
	defer c.free()
	cKey, cText := c.of("the key", key), c.of("the text", text)
	if c.err != nil {
		return c.err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed || s.c == nil:
		return door.Error(op, int(husk.ErrState), "the snapshot is closed", ErrClosed)
	case s.users > 0:
		return fail(op, husk.ErrBusy, "another call uses the snapshot")
	}
	return try(op, func() C.husk_status { return C.husk_snapshot_note(s.c, cKey, cText) })
}

// Number returns a number about the snapshot: of group "heap", "trace", "gc", "process", "system", "cgroup" or "balance".
// ErrMissing: it is not known.
func (s *Snapshot) Number(group, name string) (uint64, error) {
	const op = "Snapshot.Number"
	c := cStrings{op: op}
	defer c.free()
	cGroup, cName := c.of("the group", group), c.of("the name", name)
	if c.err != nil {
		return 0, c.err
	}
	if err := s.enter(op); err != nil {
		return 0, err
	}
	defer s.leave()
	var n C.uint64_t
	err := try(op, func() C.husk_status { return C.husk_snapshot_number(s.c, cGroup, cName, &n) })
	return uint64(n), err
}

// A Figure is a number with its name.
type Figure struct {
	Group, Name string
	Value       uint64
}

// Figures returns all numbers about the snapshot, in their order.
func (s *Snapshot) Figures() []Figure {
	var all []Figure
	if s.enter("Snapshot.Figures") != nil {
		return nil
	}
	defer s.leave()
	var one C.husk_snapshot_figure
	for i := C.size_t(0); bool(C.husk_snapshot_figure_at(s.c, i, &one)); i++ {
		all = append(all, Figure{C.GoString(one.group), C.GoString(one.name), uint64(one.value)})
	}
	return all
}

// ---- objects and references ----

// A Node is an object.
type Node struct {
	Address uint64 // Obj.ID, while it lives
	Type    string
	Size    int   // bytes of its block
	Edges   int   // references out, of all kinds
	Hidden  int   // its count less the references that were seen: handles, and what else is outside
	Stack   Stack // where it was made

	Tracked, Finalized, FinalizerPending, Frozen, Immortal bool
	Weakly                                                 bool // referred to weakly
}

// A Stack is the number of a traceback in its snapshot; 0: not known.
type Stack uint32

const batch = 256

// texts makes strings of the texts of a snapshot, each once.
type texts map[*C.char]string

func (t texts) of(c *C.char) string {
	if c == nil {
		return ""
	}
	text, known := t[c]
	if !known {
		text = C.GoString(c)
		t[c] = text
	}
	return text
}

func (t texts) node(n *C.husk_node) Node {
	return Node{
		Address: uint64(n.address), Type: t.of(n._type), Size: int(n.size), Edges: int(n.edges), Hidden: int(n.hidden),
		Stack: Stack(n.stack), Tracked: bool(n.tracked), Finalized: bool(n.finalized),
		FinalizerPending: bool(n.finalizer_pending), Frozen: bool(n.frozen), Immortal: bool(n.immortal),
		Weakly: bool(n.weakly),
	}
}

// Node returns object number i, by address. ErrRange: there is none.
func (s *Snapshot) Node(i int) (Node, error) {
	const op = "Snapshot.Node"
	if err := s.enter(op); err != nil {
		return Node{}, err
	}
	defer s.leave()
	var one C.husk_node
	if i < 0 || !bool(C.husk_snapshot_node(s.c, C.size_t(i), &one)) {
		return Node{}, fail(op, husk.ErrRange, "there is no object number %d", i)
	}
	return texts{}.node(&one), nil
}

// Nodes calls yield for each object, by address, until it returns false: an iter.Seq2 of its number and itself for range
// loops of Go 1.23 and later. It ends early when the snapshot is closed.
func (s *Snapshot) Nodes() func(yield func(i int, n Node) bool) {
	return func(yield func(int, Node) bool) {
		names := texts{}
		for first := 0; ; first += batch {
			var some [batch]C.husk_node
			if s.enter("Snapshot.Nodes") != nil {
				return
			}
			n := int(C.husk_go_nodes(s.c, C.size_t(first), &some[0], batch))
			var nodes [batch]Node
			for i := range some[:n] {
				nodes[i] = names.node(&some[i])
			}
			s.leave()
			for i := range nodes[:n] {
				if !yield(first+i, nodes[i]) {
					return
				}
			}
			if n < batch {
				return
			}
		}
	}
}

// Find returns the number of the object at an address (Obj.ID). False: there is none.
func (s *Snapshot) Find(address uint64) (int, bool) {
	if s.enter("Snapshot.Find") != nil {
		return 0, false
	}
	defer s.leave()
	n := C.husk_snapshot_find(s.c, C.uint64_t(address))
	if uint64(n) > math.MaxInt {
		return 0, false
	}
	return int(n), true
}

// An Edge is a reference.
type Edge struct {
	To        int    // number of the object
	Name      string // of the field; "": it has none
	Index     int    // of the item or row; -1: a field
	Weak      bool   // does not keep alive
	Ephemeron bool   // keeps alive while its key lives, which is the weak edge before it
}

// Edges returns the references of object number i. ErrRange: there is no such object.
func (s *Snapshot) Edges(i int) ([]Edge, error) {
	const op = "Snapshot.Edges"
	node, err := s.Node(i)
	if err != nil {
		return nil, err
	}
	if err := s.enter(op); err != nil {
		return nil, err
	}
	defer s.leave()
	names, all := texts{}, make([]Edge, 0, node.Edges)
	for {
		var some [batch]C.husk_snapshot_edge
		n := int(C.husk_go_edges(s.c, C.size_t(i), C.size_t(len(all)), &some[0], batch))
		for _, one := range some[:n] {
			edge := Edge{int(one.to), names.of(one.name), -1, bool(one.weak), bool(one.ephemeron)}
			if uint64(one.index) <= math.MaxInt {
				edge.Index = int(one.index)
			}
			all = append(all, edge)
		}
		if n < batch {
			return all, nil
		}
	}
}

func (t texts) frame(f *C.husk_frame) Frame {
	return Frame{
		File: t.of(f.file), Line: int(f.line), Function: t.of(f.function), Module: t.of(f.module), Address: uint64(f.address),
	}
}

// Traceback returns the frames of a stack; none if it is 0 or no stack of this snapshot.
func (s *Snapshot) Traceback(stack Stack) Traceback {
	if s.enter("Snapshot.Traceback") != nil {
		return Traceback{}
	}
	defer s.leave()
	t := Traceback{Total: int(C.husk_snapshot_total_depth(s.c, C.uint32_t(stack)))}
	t.Frames = texts{}.frames(s.c, stack, nil)
	return t
}

// frames adds the frames of a stack.
func (t texts) frames(c *C.husk_snapshot, stack Stack, to []Frame) []Frame {
	left := C.uint32_t(stack)
	for left != 0 {
		var some [16]C.husk_frame
		n := int(C.husk_go_frames(c, &left, &some[0], C.size_t(len(some))))
		if n == 0 { // no stack of this snapshot
			break
		}
		for i := range some[:n] {
			to = append(to, t.frame(&some[i]))
		}
	}
	return to
}
