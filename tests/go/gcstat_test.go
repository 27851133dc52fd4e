package tests

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"

	"husk.example/husk"
)

func listed(t *testing.T, pid int) bool {
	t.Helper()
	for _, one := range husk.Must(husk.GCStatList()) {
		if one == pid {
			return true
		}
	}
	return false
}

func statOf(t *testing.T, pid int, name string) husk.HeapStat {
	t.Helper()
	for _, one := range husk.Must(husk.GCStatRead(pid)) {
		if one.Name == name {
			return one
		}
	}
	t.Fatalf("process %d shows no heap %s", pid, name)
	return husk.HeapStat{}
}

func TestGCStat(t *testing.T) {
	same(t, "on", husk.GCStatIsOn(), false)
	_, err := husk.GCStatRead(os.Getpid())
	wants(t, err, husk.ErrMissing)
	ok(t, husk.GCStatStart())
	t.Cleanup(husk.GCStatStop)
	same(t, "on", husk.GCStatIsOn(), true)
	h := newHeap(t, husk.Options{Name: "shown"})
	same(t, "no pass yet", statOf(t, os.Getpid(), "shown").Latest == nil, true)
	strew(t, h, 7)
	pass := husk.Must(h.Collect())
	one := statOf(t, os.Getpid(), "shown")
	record := husk.Must(h.PassRecord(pass.Number))
	latest := *one.Latest
	same(t, "types", len(latest.ByType), len(record.ByType))
	same(t, "type", latest.ByType[0], record.ByType[0])
	same(t, "line", latest.Line, "")
	latest.ByType, latest.Line = nil, record.Line
	record.ByType = nil
	same(t, "latest", latest.String(), record.String())
	same(t, "number", latest.Number, record.Number)
	same(t, "times", latest.Times, record.Times)
	same(t, "freed", one.Full.Sums.Freed+one.Young.Sums.Freed+one.Step.Sums.Freed, uint64(7))
	same(t, "sums", one.Full.Sums, husk.Must(h.PassSums(husk.Full)))
	same(t, "young sums", one.Young.Sums, husk.Must(h.PassSums(husk.Young)))
	same(t, "pauses", one.Pauses, husk.Must(h.Pauses(husk.AnyMode)))
	same(t, "pauses of full passes", one.Full.Pauses, husk.Must(h.Pauses(husk.Full)))
	if one.Heap == 0 || one.Written < record.Start {
		t.Errorf("%+v", one)
	}
	same(t, "listed", listed(t, os.Getpid()), true)
	husk.GCStatStop()
	same(t, "on", husk.GCStatIsOn(), false)
	same(t, "listed", listed(t, os.Getpid()), false)
}

// What a child shows until it is told to end; it runs only as one.
func TestGCStatChild(t *testing.T) {
	if os.Getenv("HUSK_TEST_CHILD") == "" {
		t.Skip("runs as the child of another test")
	}
	h := newHeap(t, husk.Options{Name: "child"})
	strew(t, h, 12)
	husk.Must(h.Collect())
	os.Stdout.WriteString("ready\n")
	os.Stdin.Read(make([]byte, 1))
}

func TestGCStatOfAnother(t *testing.T) {
	child := exec.Command(os.Args[0], "-test.run=^TestGCStatChild$")
	child.Env = append(os.Environ(), "HUSK_GCSTAT=1", "HUSK_TEST_CHILD=1")
	input := husk.Must(child.StdinPipe())
	output := husk.Must(child.StdoutPipe())
	ok(t, child.Start())
	text := make([]byte, 64)
	n := husk.Must(output.Read(text))
	if !strings.Contains(string(text[:n]), "ready") {
		t.Fatalf("the child says %q", text[:n])
	}
	pid := child.Process.Pid
	same(t, "listed", listed(t, pid), true)
	one := statOf(t, pid, "child")
	same(t, "freed", one.Latest.Freed, uint64(12))
	same(t, "type", one.Latest.ByType[0].Type, "list")
	ok(t, input.Close())
	ok(t, child.Wait())
	same(t, "listed", listed(t, pid), false)
	_, err := husk.GCStatRead(pid)
	wants(t, err, husk.ErrMissing)
}

func TestGCStatRefused(t *testing.T) {
	_, err := husk.GCStatRead(0x7ffffff0)
	wants(t, err, husk.ErrMissing)
	for _, bad := range []int{-1, 0, math.MaxInt, math.MinInt} {
		_, err := husk.GCStatRead(bad)
		wants(t, err, husk.ErrRange)
		if text := fmt.Sprintf("%d is no number of a process", bad); !strings.Contains(err.Error(), text) {
			t.Errorf("%v does not say %q", err, text)
		}
	}
	h := newHeap(t, husk.Options{Name: "modes"})
	for _, bad := range []husk.Mode{-1, husk.AnyMode, 99} {
		_, err := h.PassSums(bad)
		wants(t, err, husk.ErrRange)
	}
}
