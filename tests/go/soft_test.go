package tests

import (
	"fmt"
	"math"
	"runtime"
	"testing"
	"time"

	"husk.example/husk"
)

func TestSoft(t *testing.T) {
	h := newHeap(t)
	told := ""
	n := husk.Must(h.New(Node))
	var s *husk.Soft
	s = husk.Must(n.SoftFunc(func(gone *husk.Soft) {
		_, there := gone.Get()
		told = fmt.Sprint(husk.Equal(gone, s), there)
	}))
	same(t, "kind", s.Kind(), husk.KindSoft)
	same(t, "name", s.Kind().String(), "soft")
	same(t, "weak count", husk.Must(n.WeakCount()), 1)
	same(t, "holding", husk.Must(s.Holding()), true)
	ok(t, n.Release())
	husk.Must(h.Collect())
	same(t, "state", husk.Must(s.State()), husk.Alive)
	got, there := s.Get()
	same(t, "there", there, true)
	same(t, "let go", husk.Must(s.LetGo()), true)
	same(t, "let go again", husk.Must(s.LetGo()), false)
	same(t, "holding", husk.Must(s.Holding()), false)
	again, there := s.Get()
	same(t, "there", there, true)
	same(t, "holding again", husk.Must(s.Holding()), true)
	ok(t, got.Release())
	if !husk.Identity {
		ok(t, again.Release())
	}
	same(t, "told", told, "")
	same(t, "let go", husk.Must(s.LetGo()), true)
	same(t, "told", told, "true false")
	_, there = s.Get()
	same(t, "there", there, false)
	f := husk.Must(h.SoftFigures())
	same(t, "figures", f, husk.SoftFigures{References: 1, ByCall: 2, Regained: 1})
	wants(t, failed(n.SoftFunc(nil)), husk.ErrInvalid)
}

func TestSoftOrder(t *testing.T) {
	h := newHeap(t)
	var softs []*husk.Soft
	for i := 0; i < 10; i++ {
		l := husk.Must(h.List(i))
		softs = append(softs, husk.Must(l.Soft()))
		ok(t, l.Release())
	}
	first, _ := softs[0].Get()
	ok(t, first.Release())
	same(t, "yield", husk.Must(h.YieldSofts(4)), 6)
	for i, s := range softs {
		same(t, fmt.Sprint("holding ", i), husk.Must(s.Holding()), i == 0 || i > 6)
	}
	wants(t, failed(h.YieldSofts(-1)), husk.ErrRange)
	ok(t, h.SetSoftPolicy(husk.SoftPolicy{MaxAge: 1, Keep: 1}))
	same(t, "policy", husk.Must(h.SoftPolicy()), husk.SoftPolicy{MaxAge: 1, Keep: 1})
	wants(t, h.SetSoftPolicy(husk.SoftPolicy{MaxAge: -1}), husk.ErrRange)
	wants(t, h.SetSoftPolicy(husk.SoftPolicy{MaxAge: math.MaxUint32 + 1}), husk.ErrRange)
	wants(t, h.SetSoftPolicy(husk.SoftPolicy{Keep: -1}), husk.ErrRange)
	husk.Must(h.Collect())
	husk.Must(h.Collect())
	same(t, "by age", husk.Must(h.SoftFigures()).ByAge, uint64(3))
	same(t, "kept", husk.Must(softs[0].Holding()), true)
	runtime.KeepAlive(softs)
}

func TestSoftAtMaxBytes(t *testing.T) {
	h := husk.Must(husk.New(husk.Options{Name: "tight", MaxBytes: 4 << 20}))
	var softs []*husk.Soft
	for i := 0; i < 2000; i++ {
		l := husk.Must(h.List())
		for k := 0; k < 200; k++ {
			ok(t, l.Append(k))
		}
		softs = append(softs, husk.Must(l.Soft()))
		ok(t, l.Release())
	}
	f := husk.Must(h.SoftFigures())
	if f.ByLimit < 500 || f.Holding < 20 {
		t.Errorf("%+v", f)
	}
	same(t, "oldest", husk.Must(softs[0].Holding()), false)
	same(t, "newest", husk.Must(softs[1999].Holding()), true)
	ok(t, h.Close())
	wants(t, failed(softs[0].Holding()), husk.ErrClosed)
}

func TestDeadQueue(t *testing.T) {
	h := newHeap(t)
	q := husk.Must(h.DeadQueue())
	same(t, "kind", q.Kind().String(), "deadqueue")
	a, b := husk.Must(h.New(Node)), husk.Must(h.New(Node))
	w := husk.Must(q.Watch(a, "a"))
	same(t, "kind", w.Kind().String(), "watch")
	husk.Must(q.Watch(b, 2))
	husk.Must(q.Watch(b, nil))
	same(t, "watching", q.Watching(), 3)
	same(t, "pending", husk.Must(w.Pending()), true)
	same(t, "tag", husk.Must(w.Tag()), any("a"))
	got, there := w.Get()
	same(t, "get", there && husk.Equal(got, a), true)
	if !husk.Identity {
		ok(t, got.Release())
	}
	_, there = q.Poll()
	same(t, "none", there, false)
	ok(t, b.Release())
	ok(t, a.Release())
	same(t, "len", q.Len(), 3)
	same(t, "pending", husk.Must(w.Pending()), false)
	_, there = w.Get()
	same(t, "get", there, false)
	for _, want := range []any{nil, 2, "a"} { // of one object the newest first
		tag, there := q.Poll()
		same(t, "there", there, true)
		same(t, "tag", tag, want)
	}
	_, there = q.Poll()
	same(t, "none", there, false)
	c := husk.Must(h.New(Node))
	d := husk.Must(q.Watch(c, "c"))
	same(t, "detach", husk.Must(d.Detach()), true)
	same(t, "detach again", husk.Must(d.Detach()), false)
	ok(t, c.Release())
	same(t, "len", q.Len(), 0)
	wants(t, failed(q.Watch(nil, 1)), husk.ErrInvalid)
	other := newHeap(t)
	x := husk.Must(other.New(Node))
	wants(t, failed(q.Watch(x, 1)), husk.ErrHeap)
	ok(t, q.Release())
	e := husk.Must(h.New(Node))
	wants(t, failed(q.Watch(e, 1)), husk.ErrState)
	same(t, "len of a dead one", q.Len(), 0)
	// A queue in a record comes back as what it is.
	l := husk.Must(h.List(husk.Must(h.DeadQueue()), husk.Must(e.Soft())))
	if _, is := husk.Must(husk.At[husk.Object](l, 0)).(*husk.DeadQueue); !is {
		t.Error("no queue")
	}
	if _, is := husk.Must(husk.At[husk.Object](l, 1)).(*husk.Soft); !is {
		t.Error("no soft reference")
	}
}

func TestDeadQueueChan(t *testing.T) {
	h := newHeap(t)
	q := husk.Must(h.DeadQueue())
	done := make(chan struct{})
	tags, err := q.Chan(done)
	ok(t, err)
	const n = 200
	go func() {
		for i := 0; i < n; i++ {
			x := husk.Must(h.New(Node))
			husk.Must(q.Watch(x, i))
			if err := x.Release(); err != nil {
				t.Error(err)
			}
			if i%50 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
	}()
	for i := 0; i < n; i++ {
		select {
		case tag := <-tags:
			same(t, "tag", tag, any(i))
		case <-time.After(30 * time.Second):
			t.Fatal("no tag came")
		}
	}
	close(done)
	for range tags {
		t.Error("one more")
	}
}

func failed[T any](_ T, err error) error { return err }
