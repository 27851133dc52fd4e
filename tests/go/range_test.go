//go:build go1.23

package tests

import (
	"fmt"
	"iter"
	"testing"

	"husk.example/husk"
)

// What All returns can be ranged over, and is what package iter calls a sequence.
func TestRange(t *testing.T) {
	h := newHeap(t)
	l, m, n := husk.Must(h.List("a", "b", "c")), husk.Must(h.Map()), husk.Must(h.New(Node, 1))
	ok(t, m.Set("x", 10))
	text := ""
	for i, v := range l.All() {
		if i == 2 {
			break
		}
		text += fmt.Sprint(i, v)
	}
	for k, v := range m.All() {
		text += fmt.Sprint(k, v)
	}
	for name, v := range n.All() {
		text += fmt.Sprint(name, v)
	}
	same(t, "ranges", text, "0a1bx10value1next<nil>")
	var _ iter.Seq2[int, any] = l.All()
	var _ iter.Seq2[any, any] = m.All()
	var _ iter.Seq2[string, any] = n.All()
	keys, set := husk.Must(h.WeakKeyMap()), husk.Must(h.WeakSet())
	values := husk.Must(h.WeakValueMap())
	ok(t, keys.Set(n, 1))
	ok(t, values.Set(1, n))
	ok(t, set.Add(n))
	seen := 0
	for k := range keys.All() {
		seen += one(k == n)
	}
	for _, v := range values.All() {
		seen += one(v == n)
	}
	for x := range set.All() {
		seen += one(x == n)
	}
	same(t, "seen", seen, map[bool]int{true: 3, false: 0}[husk.Identity])
	var _ iter.Seq[husk.Object] = set.All()
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
