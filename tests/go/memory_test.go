package tests

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"husk.example/husk"
	"husk.example/husk/memory"
)

// The structs of the package are those of C: the same names in the same order.
func TestFieldsOfMemory(t *testing.T) {
	process := husk.Must(memory.FullInfo(0))
	machine := husk.Must(memory.System())
	native, err := memory.Malloc() // without a value where the allocator in use is a sanitizer's
	if err != nil && !errors.Is(err, husk.ErrMissing) {
		t.Fatal(err)
	}
	var group memory.Group
	for _, one := range []struct {
		value  any
		fields []memory.Field
	}{{process, process.Fields()}, {machine, machine.Fields()}, {group, group.Fields()}, {native, native.Fields()}} {
		value := reflect.ValueOf(one.value)
		typ := value.Type()
		same(t, typ.Name(), len(one.fields), typ.NumField()-1)
		for i, field := range one.fields {
			name := strings.ToLower(strings.ReplaceAll(field.Name, "_", ""))
			same(t, typ.Name(), strings.ToLower(typ.Field(i+1).Name), name)
			same(t, typ.Name()+" "+name, value.Field(i+1).Uint(), field.Value)
			if field.About == "" || !field.Known && field.Value != 0 {
				t.Error(field)
			}
		}
	}
	same(t, "unit", process.Fields()[15].Unit, memory.Count)
	maps := reflect.TypeOf(memory.Sizes{})
	sizes := husk.Must(memory.Maps(0, memory.MapsOptions{Sizes: true}))[0].Sizes
	for i := 1; i < maps.NumField(); i++ {
		if name := snake(maps.Field(i).Name); !sizes.Known(name) {
			t.Errorf("%s is not known", name)
		}
	}
	same(t, "known", sizes.Known("colour"), false)
}

func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' && i > 0 && !(name[i-1] >= 'A' && name[i-1] <= 'Z' && (i+1 == len(name) || name[i+1] < 'a')) {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

func TestInfo(t *testing.T) {
	p := husk.Must(memory.Info(0))
	statm := strings.Fields(string(husk.Must(os.ReadFile("/proc/self/statm"))))
	resident := uint64(husk.Must(strconv.Atoi(statm[1]))) * uint64(os.Getpagesize())
	if p.RSS == 0 || p.RSS > p.PeakRSS || p.VMS < p.RSS || p.RSS < resident/2 || p.RSS > resident*2 || p.Threads < 2 {
		t.Error(p, resident)
	}
	same(t, "known", p.Known("rss"), true)
	same(t, "known", p.Known("uss"), false)
	same(t, "known", p.Known("colour"), false)
	if !strings.HasPrefix(p.String(), "rss=") {
		t.Error(p)
	}
	full := husk.Must(memory.FullInfo(0))
	if full.USS == 0 || full.PSS < full.USS || !full.Known("uss") {
		t.Error(full)
	}
	rss := husk.Must(memory.Ask(0, "process", "rss"))
	if rss < p.RSS/2 || rss > p.RSS*2 {
		t.Error(rss, p.RSS)
	}
	share := husk.Must(memory.Percent(0, "rss"))
	if total := husk.Must(memory.System()).Total; share <= 0 || share > 100*float64(2*rss)/float64(total) {
		t.Error(share)
	}

	for want, err := range map[error]error{
		husk.ErrMissing: second(memory.Info(1 << 30)), // no process has that number
		husk.ErrInvalid: second(memory.Percent(0, "colour")),
	} {
		wants(t, err, want, "memory.")
	}
	_, err := memory.Info(-1)
	wants(t, err, husk.ErrInvalid)
	_, err = memory.Percent(0, "threads")
	wants(t, err, husk.ErrInvalid)
	_, err = memory.Percent(0, "a\x00")
	wants(t, err, husk.ErrInvalid, "NUL")
	_, err = memory.Ask(0, "colour", "rss")
	wants(t, err, husk.ErrInvalid)
	_, err = memory.Ask(0, "process", "a\x00")
	wants(t, err, husk.ErrInvalid, "NUL")
	_, err = memory.Ask(0, "a\x00", "rss")
	wants(t, err, husk.ErrInvalid, "NUL")
	_, err = memory.Maps(1<<30, memory.MapsOptions{})
	wants(t, err, husk.ErrMissing)
	_, err = memory.Threads(1 << 30)
	wants(t, err, husk.ErrMissing)
	_, err = memory.CgroupPath(1 << 30)
	wants(t, err, husk.ErrMissing)
	wants(t, memory.ResetPeak(1<<30), husk.ErrMissing)
}

func second[T any](_ T, err error) error { return err }

// Another process, while it runs and when it has ended.
func TestInfoOfAnother(t *testing.T) {
	command := exec.Command("sleep", "60")
	ok(t, command.Start())
	pid := command.Process.Pid
	p, err := memory.FullInfo(pid)
	ok(t, err)
	if p.RSS == 0 || p.RSS > 100<<20 || p.Threads != 1 {
		t.Error(p)
	}
	threads := husk.Must(memory.Threads(pid))
	same(t, "threads", len(threads), 1)
	same(t, "thread", threads[0].ID, pid)
	sheet := husk.Must(memory.BalanceWith(memory.BalanceOptions{PID: pid}))
	var sum int64
	for _, row := range sheet.Rows {
		sum += row.Bytes
	}
	same(t, "sum", uint64(sum), sheet.RSS)
	same(t, "go", sheet.GoRuntime, 0)
	ok(t, sheet.Close())
	ok(t, command.Process.Kill())
	_ = command.Wait()
	_, err = memory.Info(pid)
	wants(t, err, husk.ErrMissing, strconv.Itoa(pid))
}

func TestMachineAndGroup(t *testing.T) {
	m := husk.Must(memory.System())
	if m.Total == 0 || m.Available > m.Total || !m.Known("total") || !strings.HasPrefix(m.String(), "total=") {
		t.Error(m)
	}
	g, err := memory.Cgroup(0)
	if err != nil {
		wants(t, err, husk.ErrMissing)
	} else if !g.Known("version") || g.Version < 1 || g.Version > 2 || g.Known("limit") && g.Limit == 0 {
		t.Error(g)
	} else if path := husk.Must(memory.CgroupPath(0)); !strings.HasPrefix(path, "/") {
		t.Error(path)
	}
	n, err := memory.Malloc()
	if err != nil {
		wants(t, err, husk.ErrMissing) // a sanitizer's allocator does not tell
	} else if n.Used+n.Free != n.Taken || !n.Known("used") {
		t.Error(n)
	}
	if _, err := memory.Trim(); err != nil {
		wants(t, err, husk.ErrMissing)
	}
	if err := memory.ResetPeak(0); err == nil {
		if p := husk.Must(memory.Info(0)); p.PeakRSS > 4*p.RSS {
			t.Error(p)
		}
	}
}

func TestMapsAndThreads(t *testing.T) {
	maps := husk.Must(memory.Maps(0, memory.MapsOptions{}))
	here, library := 0, 0
	for i, m := range maps {
		if m.Start >= m.End || i > 0 && m.Start < maps[i-1].End || m.Bytes != m.End-m.Start || len(m.Permissions) != 4 {
			t.Error(m)
		}
		if m.Kind == memory.OfStack {
			here++
		}
		if strings.Contains(m.Path, "libhusk.so") && m.Kind == memory.OfFile {
			library++
		}
		same(t, "known", m.Sizes.Known("rss"), false)
	}
	if here != 1 || library == 0 {
		t.Errorf("%d stacks, %d pieces of the library", here, library)
	}
	grouped := husk.Must(memory.Maps(0, memory.MapsOptions{Sizes: true, Grouped: true, Stacks: true}))
	var rss, count uint64
	for _, m := range grouped {
		rss += m.Sizes.RSS
		count += uint64(m.Count)
	}
	p := husk.Must(memory.Info(0))
	if rss < p.RSS*9/10 || rss > p.RSS*11/10 || len(grouped) >= len(maps) || count < uint64(len(maps))/2 {
		t.Error(rss, p.RSS, len(grouped), len(maps))
	}
	same(t, "kind", memory.OfAnonymous.String(), "anonymous")
	same(t, "kind", memory.MapKind(77).String(), "unknown")

	threads := husk.Must(memory.Threads(0))
	found := false
	for _, one := range threads {
		found = found || one.ID == os.Getpid()
		if one.State == 0 {
			t.Error(one)
		}
	}
	if !found || len(threads) < 2 {
		t.Error(threads)
	}
}

func TestBalance(t *testing.T) {
	a, b := newHeap(t), newHeap(t)
	kept := husk.Must(a.List())
	before := husk.Must(memory.Balance(b.Heap, a.Heap))
	scope := a.NewScope()
	for i := 0; i < 100000; i++ {
		ok(t, kept.Append(husk.Must(scope.New(Node, i))))
	}
	ok(t, scope.Close())
	sheet := husk.Must(memory.BalanceWith(memory.BalanceOptions{Before: before, Trim: true}, a.Heap, b.Heap))
	var sum int64
	rows := map[string]memory.Row{}
	for _, row := range sheet.Rows {
		sum += row.Bytes
		rows[row.Group+" "+row.Name] = row
	}
	same(t, "sum", uint64(sum), sheet.RSS)
	figures := husk.Must(a.Figures())
	same(t, "objects", sheet.Objects, uint64(figures.Objects))
	same(t, "live", sheet.Live, figures.ObjectBytes+figures.BufferBytes)
	same(t, "objects before", sheet.ObjectsBefore, 1)
	same(t, "verdict", sheet.Verdict, memory.Leak)
	same(t, "trimmed", sheet.Trimmed, true)
	if !strings.Contains(sheet.String(), "Verdict: leak") || !strings.Contains(sheet.String(), sheet.Evidence) || sheet.GoRuntime == 0 {
		t.Error(sheet)
	}
	if _, there := rows["system other anonymous"]; !there {
		t.Error(rows)
	}
	ok(t, before.Close())
	ok(t, before.Close())
	_, err := memory.BalanceWith(memory.BalanceOptions{Before: before}, a.Heap)
	wants(t, err, husk.ErrState, "closed")
	if before.String() == "" || len(before.Rows) == 0 {
		t.Error("the rows of a closed sheet are gone")
	}
	ok(t, sheet.Close())

	_, err = memory.Balance(a.Heap, b.Heap, a.Heap)
	wants(t, err, husk.ErrInvalid, "twice")
	_, err = memory.Balance(a.Heap, nil)
	wants(t, err, husk.ErrInvalid, "nil")
	_, err = memory.BalanceWith(memory.BalanceOptions{PID: 1 << 30})
	wants(t, err, husk.ErrMissing)
	_, err = memory.BalanceWith(memory.BalanceOptions{PID: os.Getppid()}, a.Heap)
	wants(t, err, husk.ErrInvalid)
	var inside error
	typ := finalized(t, func(*husk.Record) { _, inside = memory.Balance(a.Heap) })
	ok(t, husk.Must(a.New(typ)).Release())
	wants(t, inside, husk.ErrBusy)
	ok(t, b.Close())
	_, err = memory.Balance(a.Heap, b.Heap)
	wants(t, err, husk.ErrClosed)
	_, err = a.Figures() // its lock is free
	ok(t, err)
	for _, v := range []memory.Verdict{memory.Fine, memory.Leak, memory.Retention, memory.Fragmentation} {
		if v.String() == "unknown" {
			t.Error(int(v))
		}
	}
	same(t, "verdict", memory.Verdict(9).String(), "unknown")
	runtime.KeepAlive(kept)
}

// Two who name the same heaps in another order do not wait for each other.
func TestBalanceOfSeveral(t *testing.T) {
	heaps := []*husk.Heap{newHeap(t).Heap, newHeap(t).Heap, newHeap(t).Heap}
	var group sync.WaitGroup
	for g := 0; g < 4; g++ {
		group.Add(1)
		go func(g int) {
			defer group.Done()
			for i := 0; i < 5; i++ {
				sheet, err := memory.Balance(heaps[g%3], heaps[(g+1)%3], heaps[(g+2)%3])
				ok(t, err)
				ok(t, sheet.Close())
				_, err = heaps[g%3].New(Node)
				ok(t, err)
			}
		}(g)
	}
	group.Wait()
}

func TestClassesAndTypes(t *testing.T) {
	h := newHeap(t)
	l := husk.Must(h.List())
	for i := 0; i < 100; i++ {
		ok(t, l.Append(husk.Must(h.New(Node)), fmt.Sprint("text ", i)))
	}
	figures := husk.Must(h.Figures())
	var used, bytes int
	for _, class := range husk.Must(memory.Classes(h.Heap)) {
		used += class.Used
		bytes += int(class.UsedBytes)
		if class.AskedBytes > class.UsedBytes || class.UsedBytes > class.HeldBytes {
			t.Error(class)
		}
	}
	same(t, "objects", used, figures.Objects)
	same(t, "bytes", uint64(bytes), figures.ObjectBytes)
	if text := husk.Must(memory.ClassesText(h.Heap)); !strings.Contains(text, "Objects: 201 in") {
		t.Error(text)
	}
	counts := map[string]int{}
	for _, one := range husk.Must(memory.Types(h.Heap)) {
		counts[one.Name] += one.Count
		if one.Bytes == 0 {
			t.Error(one)
		}
	}
	if !reflect.DeepEqual(counts, husk.Must(h.Census())) {
		t.Error(counts)
	}
	ok(t, h.Close())
	_, err := memory.Classes(h.Heap)
	wants(t, err, husk.ErrClosed)
	_, err = memory.ClassesText(h.Heap)
	wants(t, err, husk.ErrClosed)
	_, err = memory.Types(h.Heap)
	wants(t, err, husk.ErrClosed)
	_, err = memory.Types(nil)
	wants(t, err, husk.ErrInvalid)
}
