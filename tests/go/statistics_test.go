package tests

import (
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"husk.example/husk"
	"husk.example/husk/trace"
)

// twoPlaces has ten nodes of one line and five of another, in a list.
func twoPlaces(t *testing.T) (h *fixture, list *husk.List, ten, five int) {
	h = traced(t, 5)
	list = husk.Must(h.List())
	t.Cleanup(func() { runtime.KeepAlive(list) })
	s := h.NewScope()
	defer s.Close()
	for i := 0; i < 10; i++ {
		ok(t, list.Append(husk.Must(s.New(Node, i))))
		ten = line() - 1
	}
	for i := 0; i < 5; i++ {
		ok(t, list.Append(husk.Must(s.New(Node, i))))
		five = line() - 1
	}
	return h, list, ten, five
}

func TestStatistics(t *testing.T) {
	h, list, ten, five := twoPlaces(t)
	s := snapshot(t, h)
	size := int64(husk.Must(husk.Must(husk.At[*husk.Record](list, 0)).Size()))
	nodes := trace.Filter{Type: "Node"}

	stats := husk.Must(s.Statistics(trace.ByLine, nodes))
	same(t, "rows", len(stats.Rows), 2)
	first := stats.Rows[0]
	same(t, "line", first.Line, ten)
	same(t, "count", first.Count, 10)
	same(t, "size", first.Size, 10*size)
	same(t, "average", first.Average(), float64(size))
	same(t, "average of nothing", trace.Statistic{}.Average(), 0)
	same(t, "file", filepath.Base(first.Name), "statistics_test.go")
	same(t, "text", first.String(), fmt.Sprintf("%s:%d: size=%d B, count=10, average=%d B", first.Name, ten, 10*size, size))
	same(t, "frame", first.Traceback.Frames[0].Line, ten)
	same(t, "total", stats.Total.Count, 15)
	same(t, "others", stats.Others, 0)
	same(t, "text", strings.Count(stats.String(), "\n"), 3)

	stats = husk.Must(s.Statistics(trace.ByLine, nodes, trace.Top(1)))
	same(t, "rows", len(stats.Rows), 1)
	same(t, "others", stats.Others, 1)
	same(t, "rest", stats.Rest.Count, 5)
	text := stats.String()
	if !strings.Contains(text, "\n1 other: size=") || !strings.Contains(text, "\ntotal: size=") {
		t.Error(text)
	}
	same(t, "none", len(husk.Must(s.Statistics(trace.ByLine, trace.Top(0))).Rows), 0)

	for name, one := range map[string]struct {
		count int64
		all   []trace.Option
	}{
		"line":      {5, []trace.Option{trace.Filter{Type: "N?de", Line: five}}},
		"two lines": {15, []trace.Option{trace.Filter{Line: five, Type: "*"}, trace.Filter{Line: ten, Type: "[M-P]ode"}}},
		"not":       {10, []trace.Option{nodes, trace.Filter{Line: five, Exclude: true}}},
		"function":  {15, []trace.Option{trace.Filter{Function: "*.twoPlaces", Type: "Node"}}},
		"newest":    {0, []trace.Option{trace.Filter{Function: "*.TestStatistics", Type: "Node"}}},
		"any":       {15, []trace.Option{trace.Filter{Function: "*.TestStatistics", Type: "Node", AllFrames: true}}},
		"file":      {15, []trace.Option{nodes, trace.And, trace.Filter{File: "*/statistics_test.go"}}},
		"kind":      {15, []trace.Option{trace.Filter{Kind: trace.KindObject, MinSize: uint64(size)}}},
		"buffers":   {1, []trace.Option{trace.Filter{Kind: trace.KindBuffer}}},
		"blocks":    {0, []trace.Option{trace.Filter{Kind: trace.KindBlock}}},
		"no line":   {0, []trace.Option{trace.Filter{Line: trace.NoLine}}},
		"thread":    {0, []trace.Option{trace.Filter{Thread: "nobody"}}},
		"words":     {5, []trace.Option{trace.Filter{Text: fmt.Sprintf("type=Node,line=%d", five)}}},
		"not words": {10, []trace.Option{trace.Filter{Text: fmt.Sprintf("!line=%d", five)}, trace.And, nodes}},
	} {
		stats, err := s.Statistics(trace.ByLine, one.all...)
		ok(t, err)
		same(t, name, stats.Total.Count, one.count)
	}

	for by := trace.ByLine; by <= trace.ByKind; by++ {
		same(t, "name", husk.Must(trace.ParseBy(by.String())), by)
		stats, err := s.Statistics(by, nodes)
		ok(t, err)
		same(t, by.String(), stats.Total.Count, 15)
	}
	same(t, "name", trace.By(99).String(), "By(99)")
	_, err := trace.ParseBy("colour")
	wants(t, err, husk.ErrInvalid, "colour", "traceback")

	// Each frame gets what was made below it; what the tracer recorded is of places, not of types.
	stats = husk.Must(s.Statistics(trace.ByFunction, trace.Cumulative, trace.SortPeak))
	for _, row := range stats.Rows {
		same(t, row.Function, row.Count, stats.Total.Count)
		if !row.Recorded || row.Born < 17 || row.PeakBytes < uint64(15*size) || !strings.Contains(row.String(), ", peak=") {
			t.Error(row)
		}
	}
	if len(stats.Rows) < 3 {
		t.Error(stats)
	}
	same(t, "recorded", husk.Must(s.Statistics(trace.ByLine)).Rows[0].Recorded, false)
	same(t, "recorded", husk.Must(s.Statistics(trace.ByLine, trace.Records)).Rows[0].Recorded, true)
	_, err = s.Statistics(trace.ByFunction, nodes, trace.SortPeak)
	wants(t, err, husk.ErrInvalid, "peak")
}

func TestMistakesInOptions(t *testing.T) {
	h, _, _, _ := twoPlaces(t)
	s := snapshot(t, h)
	for name, one := range map[string]struct {
		code husk.Code
		all  []trace.Option
	}{
		"nothing was said": {husk.ErrInvalid, []trace.Option{trace.Filter{}}},
		"is nil":           {husk.ErrInvalid, []trace.Option{nil}},
		"Top(-1)":          {husk.ErrRange, []trace.Option{trace.Top(-1)}},
		"line -2":          {husk.ErrRange, []trace.Option{trace.Filter{Line: -2}}},
		"kind 9":           {husk.ErrRange, []trace.Option{trace.Filter{Kind: 9}}},
		"of domain":        {husk.ErrInvalid, []trace.Option{trace.Filter{Domain: "x", NoDomain: true}}},
		"besides":          {husk.ErrInvalid, []trace.Option{trace.Filter{Text: "line=1", Line: 1}}},
		"colour":           {husk.ErrInvalid, []trace.Option{trace.Filter{Text: "colour=red"}}},
		"NUL":              {husk.ErrInvalid, []trace.Option{trace.Filter{Type: "a\x00"}}},
		"sort":             {husk.ErrInvalid, []trace.Option{trace.Sort(77)}},
	} {
		_, err := s.Statistics(trace.ByLine, one.all...)
		wants(t, err, one.code, "Snapshot.Statistics")
		if err != nil && name != "nothing was said" && name != "sort" && !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not say %q", err, name)
		}
	}
	_, err := s.Statistics(trace.By(99))
	wants(t, err, husk.ErrInvalid)
	_, err = s.Compare(nil, trace.ByLine)
	wants(t, err, husk.ErrInvalid, "Snapshot.Compare", "nil")
	_, err = s.Compare(s, trace.ByLine, trace.SortPeak)
	wants(t, err, husk.ErrInvalid)
}

func TestCompare(t *testing.T) {
	h, list, ten, five := twoPlaces(t)
	old := snapshot(t, h)
	ok(t, list.Remove(0))
	extra := husk.Must(h.New(Node))
	new := line() - 1
	s := snapshot(t, h)
	stats := husk.Must(s.Compare(old, trace.ByLine, trace.Filter{Type: "Node"}))
	diffs := map[int]int64{}
	for _, row := range stats.Rows {
		diffs[row.Line] = row.CountDiff
		if !regexp.MustCompile(`: size=\d+ B \([+-]\d+ B\), count=\d+ \([+-]\d+\)`).MatchString(row.String()) {
			t.Error(row)
		}
	}
	if !reflect.DeepEqual(diffs, map[int]int64{ten: -1, five: 0, new: 1}) {
		t.Error(stats)
	}
	same(t, "total", stats.Total.CountDiff, 0)
	_, err := s.Compare(s, trace.ByLine)
	ok(t, err)
	runtime.KeepAlive(extra)
}
