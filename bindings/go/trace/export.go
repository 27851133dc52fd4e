package trace

// Only declarations may stand here, since this file exports a function to C.

// #include "host.h"
import "C"

import (
	"io"
	"runtime/cgo"
	"unsafe"

	"husk.example/husk"
	"husk.example/husk/internal/door"
)

// ExportOptions of the forms that other programs read. The zero value is fine; a form does not look at what is none of
// its own.
type ExportOptions struct {
	Types    bool   // collapsed, speedscope, pprof: the type as the innermost frame
	Count    bool   // collapsed, dot: things and not bytes
	Made     bool   // collapsed: all that was made while tracing, dead or alive
	By       string // text, csv: the grouping, as By.String() says it; "": by type
	Top      int    // most rows (text, csv, openmetrics) or nodes (dot); 0: the form's own number
	MaxBytes uint64 // html: of the page; 0: 2,000,000
	Title    string // html, dot; "": made of the snapshot's texts

	// csv, collapsed, pprof, speedscope: what does not pass is not counted; names of its places may be in tables. Other
	// forms, and Made, refuse it.
	Filters []Filter
}

// A Form is a form of export.
type Form struct {
	Name   string // "pprof"
	Suffix string // of files, without the dot: "pb"
	About  string // what it is, in a line
}

// Forms returns what there is.
func Forms() []Form {
	var all []Form
	for i := C.size_t(0); ; i++ {
		name := C.husk_export_format(i)
		if name == nil {
			return all
		}
		all = append(all, Form{C.GoString(name), C.GoString(C.husk_export_suffix(name)), C.GoString(C.husk_export_about(name))})
	}
}

// GuessForm returns the name of the form that a file of this name would have, by its ending; "": none.
func GuessForm(path string) string {
	c, free, err := cString("trace.GuessForm", "the path", path)
	if err != nil {
		return ""
	}
	defer free()
	return C.GoString(C.husk_export_guess(c))
}

// Export writes the snapshot in a form, piece by piece. An error of w is what it returns. ErrMissing: there is no such form,
// or grouping; ErrHook: w panicked.
func (s *Snapshot) Export(w io.Writer, form string, options ...ExportOptions) error {
	const op = "Snapshot.Export"
	if w == nil {
		return fail(op, husk.ErrInvalid, "the writer is nil")
	}
	return s.export(op, form, "", w, options)
}

// ExportFile writes it to a file, all or nothing: what was there before stays as it was if it fails. form "": what the
// ending of the path says.
func (s *Snapshot) ExportFile(path, form string, options ...ExportOptions) error {
	const op = "Snapshot.ExportFile"
	if form == "" {
		if form = GuessForm(path); form == "" {
			return fail(op, husk.ErrMissing, "%s: no form has files of this ending", path)
		}
	}
	return s.export(op, form, path, nil, options)
}

func (s *Snapshot) export(op, form, path string, w io.Writer, options []ExportOptions) error {
	var o ExportOptions
	if len(options) > 1 {
		return fail(op, husk.ErrInvalid, "%d ExportOptions, and at most one is possible", len(options))
	} else if len(options) == 1 {
		o = options[0]
	}
	if o.Top < 0 || uint64(C.size_t(o.MaxBytes)) != o.MaxBytes {
		return fail(op, husk.ErrRange, "Top %d, MaxBytes %d", o.Top, o.MaxBytes)
	}
	var flags C.uint32_t
	for flag, on := range map[C.uint32_t]bool{
		C.HUSK_EXPORT_TYPES: o.Types, C.HUSK_EXPORT_COUNT: o.Count, C.HUSK_EXPORT_MADE: o.Made,
	} {
		if on {
			flags |= flag
		}
	}
	filters := make([]Option, len(o.Filters))
	for i, one := range o.Filters {
		filters[i] = one
	}
	q, err := newQuery(op, filters)
	if err != nil {
		return err
	}
	defer q.free()
	c := cStrings{op: op}
	defer c.free()
	name, by, title := c.of("the form", form), c.unless("the grouping", o.By), c.unless("the title", o.Title)
	file := c.file(w, path)
	if c.err != nil {
		return c.err
	}
	if err := s.enter(op); err != nil {
		return err
	}
	defer s.leave()
	return writing(op, w, func(writer C.uintptr_t) C.husk_status {
		return C.husk_go_export(s.c, name, flags, by, C.size_t(o.Top), C.size_t(o.MaxBytes), title, q.filter, file, writer)
	})
}

// ReportOptions of an HTML page. The zero value is fine.
type ReportOptions struct {
	Title    string   // "": "Husk report"
	Names    []string // of the snapshots, one each; nil: their times
	MaxBytes uint64   // of the page, never exceeded; 0: 2,000,000; at least 100,000
}

// Report writes one page of HTML, with everything in it, about one or more snapshots, oldest first: flame graph, tables,
// the difference of any two, memory over time.
func Report(w io.Writer, snapshots []*Snapshot, options ...ReportOptions) error {
	const op = "trace.Report"
	if w == nil {
		return fail(op, husk.ErrInvalid, "the writer is nil")
	}
	return report(op, "", w, snapshots, options)
}

// ReportFile writes it to a file, all or nothing.
func ReportFile(path string, snapshots []*Snapshot, options ...ReportOptions) error {
	return report("trace.ReportFile", path, nil, snapshots, options)
}

func report(op, path string, w io.Writer, snapshots []*Snapshot, options []ReportOptions) error {
	var o ReportOptions
	if len(options) > 1 {
		return fail(op, husk.ErrInvalid, "%d ReportOptions, and at most one is possible", len(options))
	} else if len(options) == 1 {
		o = options[0]
	}
	if o.Names != nil && len(o.Names) != len(snapshots) {
		return fail(op, husk.ErrInvalid, "%d names for %d snapshots", len(o.Names), len(snapshots))
	}
	if len(snapshots) == 0 || uint64(C.size_t(o.MaxBytes)) != o.MaxBytes {
		return fail(op, husk.ErrRange, "%d snapshots, MaxBytes %d", len(snapshots), o.MaxBytes)
	}
	c := cStrings{op: op}
	defer c.free()
	title, file := c.unless("the title", o.Title), c.file(w, path)
	var names []*C.char
	for _, name := range o.Names {
		names = append(names, c.of("the name", name))
	}
	if c.err != nil {
		return c.err
	}
	all := make([]*C.husk_snapshot, len(snapshots))
	for i, s := range snapshots {
		if s == nil {
			return fail(op, husk.ErrInvalid, "snapshot %d is nil", i)
		}
		if err := s.enter(op); err != nil {
			return err
		}
		defer s.leave()
		all[i] = s.c
	}
	var namesC **C.char
	if names != nil {
		namesC = &names[0]
	}
	return writing(op, w, func(writer C.uintptr_t) C.husk_status {
		return C.husk_go_report(&all[0], C.size_t(len(all)), title, namesC, C.size_t(o.MaxBytes), file, writer)
	})
}

// ---- writers ----

// A sink is a writer that C writes to.
type sink struct {
	op  string
	w   io.Writer
	err error
}

// writing lets C write to w; w nil: C writes to a file. An error of w counts, not what C makes of it.
func writing(op string, w io.Writer, do func(writer C.uintptr_t) C.husk_status) error {
	if w == nil {
		return try(op, func() C.husk_status { return do(0) })
	}
	to := &sink{op: op, w: w}
	handle := cgo.NewHandle(to)
	defer handle.Delete()
	err := try(op, func() C.husk_status { return do(C.uintptr_t(handle)) })
	if to.err != nil {
		return to.err
	}
	return err
}

// A writer that panics, or ends its goroutine, cannot tear the C frames that wait for it: it runs on one of its own.
//
//export huskGoWrite
func huskGoWrite(writer C.uintptr_t, bytes unsafe.Pointer, length C.size_t) C.bool {
	to, _ := cgo.Handle(writer).Value().(*sink)
	piece := append([]byte(nil), unsafe.Slice((*byte)(bytes), int(length))...) // the writer may keep it
	trouble, cause := door.Guarded(func() {
		var n int
		if n, to.err = to.w.Write(piece); to.err == nil && n != len(piece) {
			to.err = io.ErrShortWrite
		}
	})
	if trouble != "" {
		to.err = door.Error(to.op, int(husk.ErrHook), "the writer: "+trouble, cause)
	}
	return C.bool(to.err == nil)
}
