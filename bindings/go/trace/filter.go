package trace

// #include "host.h"
import "C"

import (
	"math"

	"husk.example/husk"
)

// A Kind says what a thing is, of which statistics count many.
type Kind int

// The kinds.
const (
	KindObject Kind = 1 + C.HUSK_THING_OBJECT
	KindBuffer Kind = 1 + C.HUSK_THING_BUFFER // the growing part of a list or map
	KindBlock  Kind = 1 + C.HUSK_THING_BLOCK  // other memory that was traced
)

// String returns "object", "buffer" or "block".
func (k Kind) String() string {
	switch k {
	case KindObject:
		return "object"
	case KindBuffer:
		return "buffer"
	case KindBlock:
		return "block"
	}
	return "any"
}

// A Filter chooses among the things of a snapshot those for which all that it says holds. Of several filters, a thing has
// to match one that is not Exclude, if there are such, and none that is. Patterns are globs: * is any text, / included,
// ? any character, [a-z] one of them, [!a-z] another one; a pattern matches the whole.
type Filter struct {
	Exclude bool

	File, Function string // of the newest frame, as patterns
	Line           int    // 0: any; NoLine: places without one
	AllFrames      bool   // of any frame
	Type           string // objects only, a pattern
	Tag, Thread    string // patterns; Thread: its name or number
	Domain         string // exactly this one
	NoDomain       bool   // those without one
	MinSize        uint64
	Since          string // made since the latest mark of this name
	Kind           Kind   // 0: any

	// Text is the filter in words, as the command line has it: file=*.go,line=3 or !type=list,min=10k. Terms are file,
	// function, type, tag, thread, domain, line, min, since, kind and all; "!" before all excludes. It stands alone.
	Text string
}

// NoLine is the line of places that have none.
const NoLine = -1

// And stands between filters: a thing has to pass those before and those after it.
const And = and(true)

type and bool

// An Option of Statistics, Compare and Things: a Filter, And, a Sort, a Flag, or Top.
type Option interface{ addTo(q *query) error }

// A query is what options come to.
type query struct {
	op     string
	filter *C.husk_filter // nil: everything
	sort   Sort
	flags  Flag
	top    int
}

func newQuery(op string, options []Option) (*query, error) {
	q := &query{op: op, top: math.MaxInt}
	for _, option := range options {
		if option == nil {
			q.free()
			return nil, fail(op, husk.ErrInvalid, "an option is nil")
		}
		if err := option.addTo(q); err != nil {
			q.free()
			return nil, err
		}
	}
	return q, nil
}

func (q *query) free() {
	C.husk_filter_free(q.filter)
	q.filter = nil
}

func (q *query) needFilter() error {
	if q.filter != nil {
		return nil
	}
	return try(q.op, func() C.husk_status { return C.husk_filter_new(&q.filter) })
}

func (and) addTo(q *query) error {
	if err := q.needFilter(); err != nil {
		return err
	}
	return try(q.op, func() C.husk_status { return C.husk_filter_and(q.filter) })
}

func (f Filter) addTo(q *query) error {
	if err := q.needFilter(); err != nil {
		return err
	}
	if f.Text != "" {
		alone := f
		alone.Text = ""
		if alone != (Filter{}) {
			return fail(q.op, husk.ErrInvalid, "a filter with Text %q says something else besides", f.Text)
		}
		return q.say("the filter", f.Text, func(text *C.char) C.husk_status { return C.husk_filter_parse(q.filter, text) })
	}
	if f.Line < NoLine || int64(f.Line) > math.MaxUint32 {
		return fail(q.op, husk.ErrRange, "there is no line %d", f.Line)
	}
	if f.Kind < 0 || f.Kind > KindBlock {
		return fail(q.op, husk.ErrRange, "there is no kind %d", int(f.Kind))
	}
	if f.Domain != "" && f.NoDomain {
		return fail(q.op, husk.ErrInvalid, "a filter is of domain %q and of none", f.Domain)
	}
	c := func(do func() C.husk_status) error { return try(q.op, do) }
	if err := c(func() C.husk_status { return C.husk_filter_add(q.filter, C.bool(!f.Exclude)) }); err != nil {
		return err
	}
	for _, one := range []struct {
		what, text string
		said       bool
		say        func(text *C.char) C.husk_status
	}{
		{"the file", f.File, f.File != "", func(t *C.char) C.husk_status { return C.husk_filter_file(q.filter, t) }},
		{"the function", f.Function, f.Function != "", func(t *C.char) C.husk_status { return C.husk_filter_function(q.filter, t) }},
		{"the type", f.Type, f.Type != "", func(t *C.char) C.husk_status { return C.husk_filter_type(q.filter, t) }},
		{"the tag", f.Tag, f.Tag != "", func(t *C.char) C.husk_status { return C.husk_filter_tag(q.filter, t) }},
		{"the thread", f.Thread, f.Thread != "", func(t *C.char) C.husk_status { return C.husk_filter_thread(q.filter, t) }},
		{"the domain", f.Domain, f.Domain != "" || f.NoDomain,
			func(t *C.char) C.husk_status { return C.husk_filter_domain(q.filter, t) }},
		{"the mark", f.Since, f.Since != "", func(t *C.char) C.husk_status { return C.husk_filter_since(q.filter, t) }},
	} {
		if one.said {
			if err := q.say(one.what, one.text, one.say); err != nil {
				return err
			}
		}
	}
	for _, one := range []struct {
		said bool
		say  func() C.husk_status
	}{
		{f.Line > 0, func() C.husk_status { return C.husk_filter_line(q.filter, C.uint32_t(f.Line)) }},
		{f.Line == NoLine, func() C.husk_status { return C.husk_filter_line(q.filter, 0) }},
		{f.AllFrames, func() C.husk_status { return C.husk_filter_all_frames(q.filter) }},
		{f.MinSize > 0, func() C.husk_status { return C.husk_filter_min_size(q.filter, C.uint64_t(f.MinSize)) }},
		{f.Kind > 0, func() C.husk_status { return C.husk_filter_kind(q.filter, C.int(f.Kind-1)) }},
	} {
		if one.said {
			if err := c(one.say); err != nil {
				return err
			}
		}
	}
	return nil
}

func (q *query) say(what, text string, do func(*C.char) C.husk_status) error {
	c, free, err := cString(q.op, what, text)
	if err != nil {
		return err
	}
	defer free()
	return try(q.op, func() C.husk_status { return do(c) })
}
