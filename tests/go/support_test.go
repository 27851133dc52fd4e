package tests

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"husk.example/husk"
)

// A fixture is a heap whose reports are kept. At the end of its test the heap verifies, closes, and reports nothing
// that the test did not take.
type fixture struct {
	*husk.Heap
	t testing.TB

	mu      sync.Mutex
	reports []error
}

func newHeap(t testing.TB, options ...husk.Options) *fixture {
	t.Helper()
	f := &fixture{t: t}
	o := husk.Options{Name: "test"}
	if len(options) > 0 {
		o = options[0]
	}
	o.OnError = f.report
	h, err := husk.New(o)
	if err != nil {
		t.Fatal(err)
	}
	f.Heap = h
	t.Cleanup(f.end)
	return f
}

func (f *fixture) report(err error) {
	f.mu.Lock()
	f.reports = append(f.reports, err)
	f.mu.Unlock()
}

// taken returns the reports so far, and forgets them.
func (f *fixture) taken() []error {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.reports
	f.reports = nil
	return all
}

func (f *fixture) end() {
	if !f.Closed() {
		if err := f.Verify(); err != nil {
			f.t.Error(err)
		}
		if err := f.Close(); err != nil {
			f.t.Error(err)
		}
	}
	for _, err := range f.taken() {
		f.t.Errorf("an unexpected report: %v", err)
	}
}

// TestMain looks at the end whether every heap has given its memory back.
func TestMain(m *testing.M) {
	code := m.Run()
	if held := husk.MemoryHeld(); held != 0 && code == 0 && os.Getenv("HUSK_TEST_BLOCKS") == "" {
		fmt.Fprintf(os.Stderr, "%d bytes are still held by heaps that were not closed\n", held)
		code = 1
	}
	os.Exit(code)
}

// wants fails unless err has the code and its message all the words.
func wants(t testing.TB, err error, code error, words ...string) {
	t.Helper()
	if !errors.Is(err, code) {
		t.Errorf("got %v, wanted %v", err, code)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func same[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if any(got) != any(want) {
		t.Errorf("%s: got %v, wanted %v", what, got, want)
	}
}

var Node = husk.MustType("Node", "value", "next")
