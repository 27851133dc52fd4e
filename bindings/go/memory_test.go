package husk_test

import (
	"errors"
	"testing"

	"husk.example/husk"
	"husk.example/husk/internal/raw"
)

// The library's requests for memory fail, one after the other, alone and with all that follow: each call then says so,
// or did without, and the heap stays whole.
func TestMemoryFails(t *testing.T) {
	lost := 0
	for nth, reached := uint64(1), true; reached; nth++ {
		reached = false
		for _, on := range []bool{false, true} {
			made, err := failing(t, nth, on)
			reached = reached || made >= nth
			if err != nil {
				lost++
				if !errors.Is(err, husk.ErrNoMemory) {
					t.Errorf("request %d: %v", nth, err)
				}
			}
		}
	}
	if lost < 50 {
		t.Errorf("only %d losses were told", lost)
	}
	if held := raw.Memory_held(); held != 0 {
		t.Errorf("%d bytes are still held", held)
	}
}

// failing uses a heap while the nth request is refused. It returns how many were made, and the first error.
func failing(t *testing.T, nth uint64, on bool) (uint64, error) {
	heap := husk.Must(husk.New(husk.Options{Name: "memory"}))
	heap.OnError(func(err error) { t.Errorf("request %d: %v", nth, err) })
	node := husk.MustType("Node", "value", "next")
	before := raw.Memory_requests()
	raw.Memory_fail(nth, on)
	first := useMemory(heap, node)
	if err := heap.Verify(); err != nil { // needs none
		t.Errorf("request %d: %v", nth, err)
	}
	raw.Memory_fail(0, false)
	made := raw.Memory_requests() - before
	if _, err := heap.List("there is memory again"); err != nil {
		t.Errorf("request %d: %v", nth, err)
	}
	if err := heap.Close(); err != nil {
		t.Errorf("request %d: %v", nth, err)
	}
	return made, first
}

// useMemory does what asks for memory, until something fails.
func useMemory(heap *husk.Heap, node *husk.Type) error {
	list, err := heap.List()
	if err != nil {
		return err
	}
	m, err := heap.Map()
	if err != nil {
		return err
	}
	for i := 0; i < 3000; i++ {
		n, err := heap.New(node, i, "a text that is longer than a small block of the heap would hold")
		if err != nil {
			return err
		}
		if err := list.Append(n); err != nil {
			return err
		}
		if err := m.Set(i, n); err != nil {
			return err
		}
		if i%100 == 0 {
			if _, err := n.WeakFunc(func(*husk.Weak) {}); err != nil {
				return err
			}
			if _, err := heap.Box(i); err != nil {
				return err
			}
			if _, err := n.OnDeath(func() {}, false); err != nil {
				return err
			}
		}
	}
	keys, err := heap.WeakKeyMap()
	if err != nil {
		return err
	}
	set, err := heap.WeakSet()
	if err != nil {
		return err
	}
	for i := 0; i < 300; i++ {
		n, err := husk.At[*husk.Record](list, i)
		if err != nil {
			return err
		}
		if err := keys.Set(n, i); err != nil {
			return err
		}
		if err := set.Add(n); err != nil {
			return err
		}
	}
	if _, err := heap.OnPass(func(husk.Phase, husk.Pass) {}); err != nil {
		return err
	}
	_, err = heap.Collect()
	return err
}
