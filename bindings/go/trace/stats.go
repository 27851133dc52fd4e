package trace

// #include "host.h"
import "C"

import (
	"fmt"
	"math"
	"strings"

	"husk.example/husk"
)

// By says what a group is.
type By int

// What statistics group by.
const (
	ByLine      By = C.HUSK_BY_LINE // file and line of the newest frame
	ByFile      By = C.HUSK_BY_FILE
	ByFunction  By = C.HUSK_BY_FUNCTION  // and its file
	ByTraceback By = C.HUSK_BY_TRACEBACK // all frames
	ByType      By = C.HUSK_BY_TYPE
	ByTag       By = C.HUSK_BY_TAG
	ByDomain    By = C.HUSK_BY_DOMAIN
	ByThread    By = C.HUSK_BY_THREAD // of Go's heaps always the thread that called Start
	ByClass     By = C.HUSK_BY_CLASS  // size class of the heap
	ByAge       By = C.HUSK_BY_AGE    // seconds, doubling
	ByMark      By = C.HUSK_BY_MARK   // the latest mark before it was made
	ByKind      By = C.HUSK_BY_KIND   // object, buffer, block
)

// String returns "line", "file" and so on.
func (b By) String() string {
	if name := C.husk_stats_by_name(C.int(b)); name != nil {
		return C.GoString(name)
	}
	return fmt.Sprintf("By(%d)", int(b))
}

// ParseBy returns the By of a name. ErrInvalid names what there is.
func ParseBy(name string) (By, error) {
	const op = "trace.ParseBy"
	c, free, err := cString(op, "the grouping", name)
	if err != nil {
		return 0, err
	}
	defer free()
	var by C.int
	err = try(op, func() C.husk_status { return C.husk_stats_by_find(c, &by) })
	return By(by), err
}

// A Sort says which rows come first: the greatest. In comparisons the differences decide, by their absolute value.
type Sort int

// What decides.
const (
	SortSize      Sort = C.HUSK_SORT_SIZE
	SortCount     Sort = C.HUSK_SORT_COUNT
	SortBorn      Sort = C.HUSK_SORT_BORN      // bytes made while tracing
	SortTemporary Sort = C.HUSK_SORT_TEMPORARY // how many died before the next was made
	SortPeak      Sort = C.HUSK_SORT_PEAK      // bytes alive when the total was at its highest
)

// A Flag changes what is counted.
type Flag uint32

// The flags.
const (
	Cumulative Flag = C.HUSK_STATS_CUMULATIVE // by line, file, function: every frame gets what was made below it, once
	EachFrame  Flag = C.HUSK_STATS_EACH_FRAME // with it, as often as it is in the traceback: recursion counts twice
	Untraced   Flag = C.HUSK_STATS_UNTRACED   // what was not traced too, as <unknown>:0
	Records    Flag = C.HUSK_STATS_RECORDS    // with Born, Died, Temporary, Peak, where groups and filters are of places
)

// Top is how many rows are wanted; the others are summed up in Rest.
type Top int

func (s Sort) addTo(q *query) error {
	q.sort = s
	return nil
}

func (f Flag) addTo(q *query) error {
	q.flags |= f
	return nil
}

func (t Top) addTo(q *query) error {
	if t < 0 {
		return fail(q.op, husk.ErrRange, "Top(%d)", int(t))
	}
	q.top = int(t)
	return nil
}

// A Statistic is a group of things that are alive, and how much they are.
type Statistic struct {
	Name      string    // file, type, tag and so on; by traceback the file of the oldest frame
	Line      int       // by line and traceback
	Function  string    // by function
	Traceback Traceback // by traceback; by line, file and function it has one frame

	Size, Count         int64 // bytes, things
	SizeDiff, CountDiff int64 // of Compare

	// With Records, or a Sort by one of them; else Recorded is false and they are 0.
	Recorded        bool
	Born, BornBytes uint64 // made while tracing
	Died, DiedBytes uint64
	Temporary       uint64 // died before the next was made
	Peak, PeakBytes uint64 // alive when the total was at its highest

	text string
}

// String returns the group in one line: "load.go:12: size=1024 B, count=2, average=512 B"; of Compare with the differences.
func (s Statistic) String() string { return s.text }

// Average returns the bytes of one thing, on the average.
func (s Statistic) Average() float64 {
	if s.Count == 0 {
		return 0
	}
	return float64(s.Size) / float64(s.Count)
}

// Statistics are the groups of a snapshot, or of two that are compared, the greatest first.
type Statistics struct {
	Rows   []Statistic // with Top, the first of them
	Others int         // how many are not in Rows
	Rest   Statistic   // their sum
	Total  Statistic   // of everything that passed the filters, each once
}

// String returns a line for each row, one for the rest if there is one, and one for the total.
func (s *Statistics) String() string {
	var b strings.Builder
	for _, row := range s.Rows {
		b.WriteString(row.text + "\n")
	}
	if s.Others > 0 {
		b.WriteString(s.Rest.text + "\n")
	}
	b.WriteString(s.Total.text + "\n")
	return b.String()
}

// Statistics groups what is in the snapshot. Without options: everything whose place is known, by size. In a snapshot of a
// tracer that sampled, sizes and counts are estimates without bias. ErrMissing: a mark is not there.
func (s *Snapshot) Statistics(by By, options ...Option) (*Statistics, error) {
	return s.statistics("Snapshot.Statistics", nil, by, options)
}

// Compare is Statistics, with the differences against an old snapshot; the order is that of the absolute differences. Rows
// of groups that are gone have a size of 0.
func (s *Snapshot) Compare(old *Snapshot, by By, options ...Option) (*Statistics, error) {
	const op = "Snapshot.Compare"
	if old == nil {
		return nil, fail(op, husk.ErrInvalid, "the old snapshot is nil")
	}
	return s.statistics(op, old, by, options)
}

func (s *Snapshot) statistics(op string, old *Snapshot, by By, options []Option) (*Statistics, error) {
	q, err := newQuery(op, options)
	if err != nil {
		return nil, err
	}
	defer q.free()
	if err := s.enter(op); err != nil {
		return nil, err
	}
	defer s.leave()
	var oldC *C.husk_snapshot
	if old != nil {
		if err := old.enter(op); err != nil {
			return nil, err
		}
		defer old.leave()
		oldC = old.c
	}
	var c *C.husk_stats
	err = try(op, func() C.husk_status {
		return C.husk_go_stats(oldC, s.c, C.int(by), C.int(q.sort), C.uint32_t(q.flags), q.filter, &c)
	})
	if err != nil {
		return nil, err
	}
	defer C.husk_stats_free(c)
	return rowsOf(c, q.top), nil
}

// rowsOf brings the rows over to Go.
func rowsOf(c *C.husk_stats, top int) *Statistics {
	names := texts{}
	count := int(C.husk_stats_count(c))
	if top > count {
		top = count
	}
	out := &Statistics{Rows: make([]Statistic, 0, top), Others: count - top}
	for len(out.Rows) < top {
		var some [batch]C.husk_stat
		n := int(C.husk_go_rows(c, C.size_t(len(out.Rows)), &some[0], batch))
		for i := 0; i < n && len(out.Rows) < top; i++ {
			row := C.size_t(len(out.Rows))
			one := names.statistic(&some[i])
			one.Traceback = names.rowTraceback(c, row, int(some[i].frames))
			one.text = textOf(func(to *C.char, room C.size_t) C.size_t { return C.husk_stats_row_text(c, row, to, room) })
			out.Rows = append(out.Rows, one)
		}
	}
	var one C.husk_stat
	C.husk_stats_rest(c, C.size_t(top), &one)
	out.Rest = names.statistic(&one)
	out.Rest.text = textOf(func(to *C.char, room C.size_t) C.size_t { return C.husk_stats_rest_text(c, C.size_t(top), to, room) })
	C.husk_stats_total(c, &one)
	out.Total = names.statistic(&one)
	out.Total.text = textOf(func(to *C.char, room C.size_t) C.size_t { return C.husk_stats_total_text(c, to, room) })
	return out
}

func (t texts) statistic(r *C.husk_stat) Statistic {
	return Statistic{
		Name: t.of(r.name), Line: int(r.line), Function: t.of(r.function), Size: int64(r.size), Count: int64(r.count),
		SizeDiff: int64(r.size_diff), CountDiff: int64(r.count_diff), Recorded: bool(r.recorded), Born: uint64(r.born),
		BornBytes: uint64(r.born_bytes), Died: uint64(r.died), DiedBytes: uint64(r.died_bytes),
		Temporary: uint64(r.temporary), Peak: uint64(r.peak), PeakBytes: uint64(r.peak_bytes),
	}
}

func (t texts) rowTraceback(c *C.husk_stats, row C.size_t, frames int) (out Traceback) {
	if frames == 0 {
		return out
	}
	out.Total = int(C.husk_stats_total_frames(c, row))
	out.Frames = make([]Frame, 0, frames)
	var snapshot *C.husk_snapshot
	if stack := C.husk_stats_stack(c, row, &snapshot); stack != 0 {
		out.Frames = t.frames(snapshot, Stack(stack), out.Frames)
		return out
	}
	var one C.husk_frame
	for i := 0; i < frames && bool(C.husk_stats_frame(c, row, C.size_t(i), &one)); i++ {
		out.Frames = append(out.Frames, t.frame(&one))
	}
	return out
}

// SizeText writes a number of bytes as statistics do: "1024 B", "1.2 MiB".
func SizeText(bytes float64) string {
	return textOf(func(to *C.char, room C.size_t) C.size_t { return C.husk_size_text(C.double(bytes), false, to, room) })
}

// ---- one thing after the other ----

// A Thing is what statistics count: an object, a buffer, or a block.
type Thing struct {
	Kind          Kind
	Address, Size uint64
	Traced        bool    // its place is known
	Weight        float64 // how many it stands for: 1 unless sampled
	Type          string  // of objects
	Tag, Domain   string
	Mark          string // the latest one before it was made
	Thread        uint64 // the system's number; 0: not known
	Stack         Stack
}

// Things calls yield for each thing that passes the filters until it returns false: the traced ones, with Untraced all. Objects
// come first, by address.
func (s *Snapshot) Things(yield func(Thing) bool, options ...Option) error {
	const op = "Snapshot.Things"
	q, err := newQuery(op, options)
	if err != nil {
		return err
	}
	defer q.free()
	if err := s.enter(op); err != nil {
		return err
	}
	defer s.leave()
	var c *C.husk_things
	err = try(op, func() C.husk_status { return C.husk_things_new(s.c, q.filter, C.uint32_t(q.flags), &c) })
	if err != nil {
		return err
	}
	defer C.husk_things_free(c)
	names, left := texts{}, q.top
	for first := 0; ; first += batch {
		var some [batch]C.husk_thing
		n := int(C.husk_go_things(c, C.size_t(first), &some[0], batch))
		for i := range some[:n] {
			if left--; left < 0 || !yield(names.thing(&some[i])) {
				return nil
			}
		}
		if n < batch {
			return nil
		}
	}
}

func (t texts) thing(one *C.husk_thing) Thing {
	return Thing{
		Kind: Kind(one.kind + 1), Address: uint64(one.address), Size: uint64(one.size), Traced: bool(one.traced),
		Weight: float64(one.weight), Type: t.of(one._type), Tag: t.of(one.tag), Domain: t.of(one.domain), Mark: t.of(one.mark),
		Thread: uint64(one.thread), Stack: Stack(one.stack),
	}
}

// ---- text of tracebacks ----

// A Format says how Lines shows a traceback.
type Format struct {
	Limit       int  // the newest frames; negative: the oldest; 0: all
	NewestFirst bool // else the most recent call is last
	Source      bool // with the line of the file, where that can be read
	Functions   bool // with the functions
}

// Lines returns the traceback as tracemalloc prints it, a line for each frame, and one more for its source:
//
//	File "load.go", line 12
func (t Traceback) Lines(f Format) []string {
	frames := t.Frames
	if f.Limit > 0 && f.Limit < len(frames) {
		frames = frames[:f.Limit]
	} else if f.Limit < 0 && f.Limit > -len(frames) {
		frames = frames[len(frames)+f.Limit:]
	}
	var lines []string
	for i := range frames {
		one := frames[i]
		if !f.NewestFirst {
			one = frames[len(frames)-1-i]
		}
		line := fmt.Sprintf("  File %q, line %d", one.File, one.Line)
		if one.File == "" {
			line = fmt.Sprintf("  %s", one)
		}
		if f.Functions && one.Function != "" {
			line += ", in " + one.Function
		}
		lines = append(lines, line)
		if f.Source {
			if source := SourceLine(one.File, one.Line); source != "" {
				lines = append(lines, "    "+source)
			}
		}
	}
	return lines
}

// SourceLine returns a line of a file without the blanks around it; "" if it cannot be read.
func SourceLine(path string, line int) string {
	if line <= 0 || int64(line) > math.MaxUint32 {
		return ""
	}
	c, free, err := cString("trace.SourceLine", "the path", path)
	if err != nil {
		return ""
	}
	defer free()
	return textOf(func(to *C.char, room C.size_t) C.size_t { return C.husk_source_line(c, C.uint32_t(line), to, room) })
}
