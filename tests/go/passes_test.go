package tests

import (
	"strings"
	"testing"
	"time"

	"husk.example/husk"
)

func strew(t *testing.T, h *fixture, n int) {
	t.Helper()
	for i := 0; i < n; i++ {
		l := husk.Must(h.List())
		ok(t, l.Append(l))
		ok(t, l.Release())
	}
}

func TestPassRecords(t *testing.T) {
	h := newHeap(t)
	none, err := h.PassRecords()
	ok(t, err)
	same(t, "records of a new heap", len(none), 0)
	kept := husk.Must(h.List())
	below := husk.Must(h.List())
	ok(t, kept.Append(below))
	ok(t, below.Release())
	strew(t, h, 10)
	pass := husk.Must(h.Collect())
	same(t, "passes", pass.Passes, 1)
	same(t, "mode", pass.Mode, husk.Full)
	r := husk.Must(h.PassRecord(pass.Number))
	same(t, "number", r.Number, pass.Number)
	same(t, "reason", r.Reason, husk.ByCall)
	same(t, "freed", r.Freed, uint64(10))
	same(t, "held", r.Held, uint64(1))
	same(t, "reached", r.Reached, uint64(1))
	same(t, "candidates", r.Candidates, r.Freed+r.Saved+r.Resurrected+r.Deferred+r.Held+r.Reached)
	same(t, "corrupt", r.Corrupt, false)
	same(t, "types", len(r.ByType), 1)
	same(t, "type", r.ByType[0], husk.Freed{Type: "list", Objects: 10, Bytes: r.FreedBytes})
	same(t, "rest", r.Rest, husk.Freed{})
	x := r.Times
	same(t, "pause", r.Pause, x.Clear+x.Subtract+x.Seed+x.Mark+x.Gather+x.Finalize+x.Confirm+x.Reclaim+x.Callbacks)
	same(t, "line", strings.HasPrefix(r.String(), "husk-gc pass=1 heap=test mode=full by=call "), true)

	for i := 0; i < 70; i++ {
		_, err := h.Collect()
		ok(t, err)
	}
	all := husk.Must(h.PassRecords())
	same(t, "kept", len(all), 64)
	for i, r := range all {
		same(t, "number", r.Number, uint64(i+8))
	}
	_, err = h.PassRecord(pass.Number)
	wants(t, err, husk.ErrMissing)
	_, err = h.PassRecord(0)
	wants(t, err, husk.ErrMissing)
	ok(t, kept.Release())
}

func TestPauses(t *testing.T) {
	h := newHeap(t)
	none := husk.Must(h.Pauses(husk.Full))
	same(t, "of a new heap", none, husk.Pauses{})
	var total, longest time.Duration
	for i := 0; i < 20; i++ {
		strew(t, h, 10*i)
		pass := husk.Must(h.Collect())
		r := husk.Must(h.PassRecord(pass.Number))
		total += r.Pause
		if r.Pause > longest {
			longest = r.Pause
		}
	}
	p := husk.Must(h.Pauses(husk.Full))
	same(t, "count", p.Count, uint64(20))
	same(t, "total", p.Total, total)
	same(t, "max", p.Max, longest)
	same(t, "p99.9", p.P99_9, longest)
	same(t, "any", husk.Must(h.Pauses(husk.AnyMode)), p)
	same(t, "p50", husk.Must(h.Percentile(husk.Full, 50)), p.P50)
	same(t, "young", husk.Must(h.Pauses(husk.Young)), husk.Pauses{})
	var count uint64
	for _, b := range husk.Must(h.PauseHistogram(husk.AnyMode)) {
		count += b.Count
		same(t, "bounds", b.Low <= b.High, true)
	}
	same(t, "in buckets", count, p.Count)
	for _, percent := range []float64{0, -1, 101} {
		_, err := h.Percentile(husk.Full, percent)
		wants(t, err, husk.ErrRange)
	}
	for _, mode := range []husk.Mode{-1, 4} {
		_, err := h.Pauses(mode)
		wants(t, err, husk.ErrRange)
		_, err = h.Percentile(mode, 50)
		wants(t, err, husk.ErrRange)
		_, err = h.PauseHistogram(mode)
		wants(t, err, husk.ErrRange)
	}
	same(t, "words", husk.Full.String()+husk.Step.String()+husk.AnyMode.String()+husk.Mode(9).String(), "fullstepanyMode(9)")
}
