package tests

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"husk.example/husk"
	"husk.example/husk/trace"
)

func TestExports(t *testing.T) {
	h, _, _, _ := twoPlaces(t)
	s := snapshot(t, h)
	folder := t.TempDir()
	forms := trace.Forms()
	if len(forms) < 8 {
		t.Error(forms)
	}
	for _, form := range forms {
		var b bytes.Buffer
		ok(t, s.Export(&b, form.Name))
		path := filepath.Join(folder, "x."+form.Suffix)
		ok(t, s.ExportFile(path, form.Name))
		if file := husk.Must(os.ReadFile(path)); !bytes.Equal(file, b.Bytes()) || b.Len() == 0 {
			t.Errorf("%s: %d bytes to a writer, %d to a file", form.Name, b.Len(), len(file))
		}
		if form.About == "" {
			t.Error(form)
		}
		if form.Name == "json" || form.Name == "speedscope" || form.Name == "heapsnapshot" {
			same(t, form.Name, json.Valid(b.Bytes()), true)
		}
	}
	same(t, "guess", trace.GuessForm("x.heapsnapshot"), "heapsnapshot")
	same(t, "guess", trace.GuessForm("x.unheard")+trace.GuessForm("\x00"), "")
	ok(t, s.ExportFile(filepath.Join(folder, "y.dot"), ""))
	wants(t, s.ExportFile(filepath.Join(folder, "y.unheard"), ""), husk.ErrMissing, "y.unheard")
	wants(t, s.ExportFile(filepath.Join(folder, "nowhere", "y.dot"), ""), husk.ErrIO, "nowhere")

	var b bytes.Buffer
	ok(t, s.Export(&b, "csv", trace.ExportOptions{By: "function", Top: 1}))
	if !strings.Contains(b.String(), "twoPlaces") {
		t.Error(b.String())
	}
	b.Reset()
	ok(t, s.Export(&b, "collapsed", trace.ExportOptions{Types: true, Count: true}))
	if !regexp.MustCompile(`twoPlaces.*;Node.* 10\n`).MatchString(b.String()) {
		t.Error(b.String())
	}
	b.Reset()
	ok(t, s.Export(&b, "collapsed", trace.ExportOptions{Count: true, Made: true}))
	if !regexp.MustCompile(`twoPlaces.* 1[0-9]\n`).MatchString(b.String()) {
		t.Error(b.String())
	}
	for want, err := range map[husk.Code]error{
		husk.ErrMissing: s.Export(io.Discard, "colour"),
		husk.ErrInvalid: s.Export(nil, "json"),
		husk.ErrRange:   s.Export(io.Discard, "json", trace.ExportOptions{Top: -1}),
	} {
		wants(t, err, want, "Snapshot.Export")
	}
	wants(t, s.Export(io.Discard, "csv", trace.ExportOptions{By: "colour"}), husk.ErrMissing, "colour")
	wants(t, s.Export(io.Discard, "json", trace.ExportOptions{}, trace.ExportOptions{}), husk.ErrInvalid)
	wants(t, s.Export(io.Discard, "html", trace.ExportOptions{Title: "a\x00"}), husk.ErrInvalid)
}

func TestFilteredExports(t *testing.T) {
	h, _, _, _ := twoPlaces(t)
	s := snapshot(t, h)
	lines := func(filters ...trace.Filter) string {
		var b bytes.Buffer
		ok(t, s.Export(&b, "collapsed", trace.ExportOptions{Types: true, Count: true, Filters: filters}))
		return b.String()
	}
	node, other := trace.Filter{Type: "Node"}, trace.Filter{Type: "Node", Exclude: true}
	same(t, "parts", strings.Count(lines(node), "\n")+strings.Count(lines(other), "\n"), strings.Count(lines(), "\n"))
	same(t, "types", strings.Count(lines(node), ";Node "), strings.Count(lines(node), "\n"))
	same(t, "others", strings.Count(lines(other), ";Node "), 0)
	same(t, "nothing", lines(node, other), "")
	for _, form := range trace.Forms() {
		var b bytes.Buffer
		err := s.Export(&b, form.Name, trace.ExportOptions{Filters: []trace.Filter{node}})
		switch form.Name {
		case "csv", "collapsed", "pprof", "speedscope":
			ok(t, err)
		default:
			wants(t, err, husk.ErrInvalid, "takes no filter")
			same(t, form.Name, b.Len(), 0)
		}
	}
	made := trace.ExportOptions{Made: true, Filters: []trace.Filter{node}}
	wants(t, s.Export(io.Discard, "collapsed", made), husk.ErrInvalid, "takes no filter")
	wrong := trace.ExportOptions{Filters: []trace.Filter{{Text: "colour=red"}}}
	wants(t, s.Export(io.Discard, "collapsed", wrong), husk.ErrInvalid, "colour")
}

func TestReport(t *testing.T) {
	h, _, _, _ := twoPlaces(t)
	one, two := snapshot(t, h), snapshot(t, h)
	var b bytes.Buffer
	ok(t, trace.Report(&b, []*trace.Snapshot{one, two}, trace.ReportOptions{Title: "A <report>", Names: []string{"before", "after"}}))
	for _, text := range []string{"<html", "A <report>", "before", "after", "twoPlaces"} {
		if !strings.Contains(b.String(), text) {
			t.Errorf("%q is not in the page", text)
		}
	}
	path := filepath.Join(t.TempDir(), "x.html")
	ok(t, trace.ReportFile(path, []*trace.Snapshot{one}))
	if page := husk.Must(os.ReadFile(path)); len(page) < 10000 {
		t.Errorf("a page of %d bytes", len(page))
	}
	all := []*trace.Snapshot{one}
	wants(t, trace.Report(nil, all), husk.ErrInvalid, "nil")
	wants(t, trace.Report(&b, nil), husk.ErrRange)
	wants(t, trace.Report(&b, []*trace.Snapshot{one, nil}), husk.ErrInvalid, "snapshot 1")
	wants(t, trace.Report(&b, all, trace.ReportOptions{MaxBytes: 10}), husk.ErrRange)
	wants(t, trace.Report(&b, all, trace.ReportOptions{Names: []string{}}), husk.ErrInvalid, "0 names")
	wants(t, trace.Report(&b, all, trace.ReportOptions{Names: []string{"a\x00"}}), husk.ErrInvalid)
	wants(t, trace.Report(&b, all, trace.ReportOptions{}, trace.ReportOptions{}), husk.ErrInvalid)
	wants(t, trace.ReportFile("/nowhere/x.html", all), husk.ErrIO, "/nowhere")
	gone := husk.Must(trace.Take(h.Heap))
	ok(t, gone.Close())
	wants(t, trace.Report(&b, []*trace.Snapshot{one, gone}), trace.ErrClosed)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestWritersThatFail(t *testing.T) {
	h := newHeap(t)
	scope := h.NewScope()
	for i := 0; i < 3000; i++ {
		_ = husk.Must(scope.New(Node))
	}
	s := snapshot(t, h)
	full := errors.New("the writer is full")
	pieces := 0
	err := s.Export(writerFunc(func(p []byte) (int, error) {
		if pieces++; pieces == 2 {
			return 0, full
		}
		return len(p), nil
	}), "json")
	if err != full || pieces != 2 {
		t.Error(err, pieces)
	}
	err = s.Export(writerFunc(func(p []byte) (int, error) { return len(p) - 1, nil }), "json")
	if err != io.ErrShortWrite {
		t.Error(err)
	}
	err = s.Export(writerFunc(func([]byte) (int, error) { panic(full) }), "json")
	wants(t, err, husk.ErrHook, "Snapshot.Export", "the writer is full")
	wants(t, err, full)
	err = s.Export(writerFunc(func([]byte) (int, error) { runtime.Goexit(); return 0, nil }), "json")
	wants(t, err, husk.ErrHook)
	err = trace.Report(writerFunc(func([]byte) (int, error) { panic("out") }), []*trace.Snapshot{s})
	wants(t, err, husk.ErrHook, "trace.Report", "out")

	// It may use the snapshot, and even close it; and keep what it got.
	var kept [][]byte
	ok(t, s.Export(writerFunc(func(p []byte) (int, error) {
		kept = append(kept, p)
		_, err := s.Statistics(trace.ByType)
		if len(kept) == 1 {
			ok(t, err)
			wants(t, s.Note("a", "b"), husk.ErrBusy)
			ok(t, s.Close())
		} else {
			wants(t, err, trace.ErrClosed)
		}
		return len(p), nil
	}), "json"))
	if !json.Valid(bytes.Join(kept, nil)) || len(kept) < 2 {
		t.Error("the pieces are no JSON")
	}
	ok(t, scope.Close())
}
