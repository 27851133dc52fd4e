package tests

import (
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
