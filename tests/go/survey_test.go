package tests

import (
	"runtime"
	"strings"
	"testing"

	"husk.example/husk"
)

// leak leaves n objects that hold themselves.
func leak(t *testing.T, h interface {
	New(*husk.Type, ...any) (*husk.Record, error)
}, n int) {
	t.Helper()
	for i := 0; i < n; i++ {
		m := husk.Must(h.New(Node, i))
		ok(t, m.Set("next", m))
		ok(t, m.Release())
	}
}

func TestDryRun(t *testing.T) {
	h := newHeap(t)
	leak(t, h, 3)
	l := husk.Must(h.List("text"))
	ok(t, l.Append(l))
	called := 0
	w := husk.Must(l.WeakFunc(func(*husk.Weak) { called++ }))
	ok(t, l.Release())
	before := husk.Must(h.Figures())
	d := husk.Must(h.DryRun(2))
	same(t, "figures", husk.Must(h.Figures()), before)
	same(t, "garbage", d.Garbage, 4)
	same(t, "objects", d.Objects, 5)
	same(t, "followers", d.Followers, 1)
	same(t, "callbacks", d.Callbacks, 1)
	same(t, "steps", len(d.Steps), 1)
	same(t, "kind", d.Steps[0].Kind, "callback")
	same(t, "type", d.Steps[0].Type, "list")
	same(t, "listed", len(d.Listed), 2)
	same(t, "pause", d.Pause(), d.Find+d.Finalize+d.Reclaim)
	same(t, "basis", d.FindBasis, husk.BasisDry)
	same(t, "text", strings.Contains(d.String(), "would end 5 objects"), true)
	var bytes uint64
	for _, row := range d.Types {
		bytes += row.Bytes
	}
	same(t, "bytes", bytes, d.Bytes)
	same(t, "called", called, 0)
	same(t, "collected", husk.Must(h.Collect()).Collected, d.Garbage)
	same(t, "called", called, 1)
	ok(t, w.Release())
	_, err := h.DryRun(-1)
	wants(t, err, husk.ErrRange)
}

func TestHidden(t *testing.T) {
	h := newHeap(t)
	inner := husk.Must(h.List())
	outer := husk.Must(h.List(inner, inner))
	same(t, "hidden", husk.Must(outer.HiddenCount()), int64(1))
	same(t, "hidden", husk.Must(inner.HiddenCount()), int64(1))
	ok(t, inner.Release())
	census := husk.Must(h.Hidden(5, false))
	same(t, "examined", census.Examined, 2)
	same(t, "objects", census.Objects, 1)
	same(t, "references", census.References, uint64(1))
	same(t, "types", len(census.Types), 1)
	same(t, "type", census.Types[0].Type, "list")
	same(t, "listed", census.Listed[0].References, int64(1))
	same(t, "damaged", len(census.Damaged), 0)
	same(t, "text", strings.Contains(census.String(), "1 objects, held from outside by 1 references"), true)
	ok(t, outer.MakeImmortal())
	same(t, "hidden", husk.Must(outer.HiddenCount()), husk.HiddenUnknown)
}

func TestHiddenCounts(t *testing.T) {
	h, other := newHeap(t), newHeap(t)
	inner := husk.Must(h.List())
	outer := husk.Must(h.List(inner, inner))
	weak := husk.Must(inner.Weak())
	ok(t, outer.Retain()) // a use of the handle, which has one reference
	record := husk.Must(h.New(Node, 1))
	ok(t, outer.Append(record))
	eternal := husk.Must(h.List())
	ok(t, eternal.MakeImmortal())
	objects := []husk.Object{outer, inner, weak, record, eternal, inner}
	counts := husk.Must(h.HiddenCounts(objects...))
	same(t, "counts", len(counts), len(objects))
	for i, o := range objects {
		same(t, o.TypeName(), counts[i], husk.Must(o.(interface{ HiddenCount() (int64, error) }).HiddenCount()))
	}
	same(t, "outer", counts[0], int64(1))
	same(t, "eternal", counts[4], husk.HiddenUnknown)
	ok(t, record.Release())
	inside := husk.Must(outer.At(2)).(*husk.Record)
	same(t, "inside", husk.Must(h.HiddenCounts(inside))[0], int64(1))
	same(t, "none", len(husk.Must(h.HiddenCounts())), 0)

	far := husk.Must(other.List())
	_, err := h.HiddenCounts(inner, far)
	wants(t, err, husk.ErrHeap, "a list of heap", "is not in heap")
	_, err = h.HiddenCounts(inner, nil)
	wants(t, err, husk.ErrInvalid, "nil")
	_, err = h.HiddenCounts((*husk.Record)(nil))
	wants(t, err, husk.ErrInvalid, "nil")
	_, err = h.HiddenCounts(&husk.List{})
	wants(t, err, husk.ErrInvalid, "not made by a heap")
	_, err = h.HiddenCounts(inner, record)
	wants(t, err, husk.ErrReleased)
	// In a hook the heap is not to be searched.
	var hook error
	doomed := husk.Must(h.List())
	gone := husk.Must(doomed.WeakFunc(func(*husk.Weak) { _, hook = h.HiddenCounts(inner) }))
	ok(t, doomed.Release())
	wants(t, hook, husk.ErrBusy)
	runtime.KeepAlive(gone)
	closed := husk.Must(husk.New(husk.Options{Name: "closed"}))
	ok(t, closed.Close())
	_, err = closed.HiddenCounts()
	wants(t, err, husk.ErrClosed)
}

func TestFindLeaks(t *testing.T) {
	h := husk.Must(husk.New(husk.Options{Name: "leaky"}))
	var told []*husk.Leaks
	same(t, "on", h.FindsLeaks(), false)
	ok(t, h.FindLeaks(true, func(l *husk.Leaks) { told = append(told, l) }, 1))
	same(t, "on", h.FindsLeaks(), true)
	leak(t, h, 3)
	same(t, "collected", husk.Must(h.Collect()).Collected, 0)
	_ = husk.Must(h.Collect())
	same(t, "reports", len(told), 1)
	same(t, "objects", told[0].Objects, 3)
	same(t, "type", told[0].Types[0].Type, "Node")
	same(t, "listed", len(told[0].Listed), 1)
	same(t, "text", strings.HasPrefix(told[0].String(), "leaks: 3 objects"), true)
	all := husk.Must(h.Leaks(10))
	same(t, "summary", all.Summary, true)
	same(t, "objects", len(all.Listed), 3)
	ok(t, h.Close())
	same(t, "reports", len(told), 2)
	same(t, "summary", told[1].Summary, true)
}

func TestFindLeaksOff(t *testing.T) {
	h := newHeap(t)
	ok(t, h.FindLeaks(true, func(*husk.Leaks) { panic("no") }, 0))
	leak(t, h, 1)
	_ = husk.Must(h.Collect())
	same(t, "reports", len(h.taken()), 1)
	ok(t, h.FindLeaks(false, nil, 0))
	same(t, "collected", husk.Must(h.Collect()).Collected, 1)
}
