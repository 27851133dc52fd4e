package memory

// #include "host.h"
import "C"

import (
	"fmt"
	"strings"
	"unsafe"

	"husk.example/husk/internal/call"
)

// A Process is the memory of a process. The first five are those of psutil's memory_info. Those from USS on, which make the
// kernel go through all page tables, are known to FullInfo alone, and need the right to trace the process.
type Process struct {
	known uint64

	RSS          uint64 // resident memory
	VMS          uint64 // address space
	Shared       uint64 // resident, of files or shared memory
	Text         uint64 // address space of the program's code
	Data         uint64 // address space of data and stacks
	PeakRSS      uint64 // highest resident memory (VmHWM)
	PeakVMS      uint64 // highest address space (VmPeak)
	RSSAnon      uint64 // resident, of no file
	RSSFile      uint64 // resident, of files
	RSSShmem     uint64 // resident, shared memory
	VMSwap       uint64 // swapped out, shared memory left out (VmSwap)
	PageTables   uint64 // the kernel's page tables for it (VmPTE)
	Locked       uint64 // locked in memory (VmLck)
	Pinned       uint64 // pinned, for devices (VmPin)
	Stack        uint64 // address space of the first thread's stack (VmStk)
	Threads      uint64 // threads
	MinorFaults  uint64 // page faults served from memory
	MajorFaults  uint64 // page faults that waited for a disk
	USS          uint64 // resident, of this process alone: what its end would free
	PSS          uint64 // resident, shared pages divided by their users
	Swap         uint64 // swapped out
	PSSAnon      uint64 // pss of no file
	PSSFile      uint64 // pss of files
	PSSShmem     uint64 // pss of shared memory
	SwapPSS      uint64 // swapped out, shared pages divided by their users
	PrivateClean uint64 // of this process alone, as in the file
	PrivateDirty uint64 // of this process alone, written
	SharedClean  uint64 // of several processes, as in the file
	SharedDirty  uint64 // of several processes, written: forked, not yet copied
	Referenced   uint64 // used since the system last looked
	Anonymous    uint64 // resident, of no file, copied pages of files included
	LazyFree     uint64 // given up, still counted until the system needs it
	AnonHuge     uint64 // of no file, in large pages
	HugeTLB      uint64 // private pages of hugetlbfs, not in rss
}

// A Machine is the memory of the machine. Some and Full are hundredths of a percent, their Times microseconds.
type Machine struct {
	known uint64

	Total       uint64 // physical memory
	Available   uint64 // can be had without swapping, the kernel's estimate
	Used        uint64 // total less available
	Free        uint64 // in no use at all
	Buffers     uint64 // buffers of block devices
	Cached      uint64 // contents of files
	Shared      uint64 // shared memory and tmpfs
	Active      uint64 // used lately
	Inactive    uint64 // not used lately
	Anonymous   uint64 // of processes and no file
	Mapped      uint64 // files mapped by processes
	Dirty       uint64 // to be written to disk
	Slab        uint64 // the kernel's own objects
	Reclaimable uint64 // of slab: what the kernel gives back when memory is wanted
	PageTables  uint64 // the kernel's page tables
	Committed   uint64 // promised to processes
	CommitLimit uint64 // most that may be promised under a strict policy
	SwapTotal   uint64 // swap space; 0: there is none
	SwapFree    uint64 // swap space not in use
	SwapUsed    uint64 // swap space in use
	SwapCached  uint64 // in swap and in memory
	SwapIn      uint64 // read from swap since the machine started
	SwapOut     uint64 // written to swap since the machine started
	OOMKills    uint64 // processes killed for want of memory since the machine started
	Some10      uint64 // share of the last 10 s in which some task waited for memory
	Some60      uint64 // the same, 60 s
	Some300     uint64 // the same, 300 s
	SomeTime    uint64 // the same, all the time together
	Full10      uint64 // share of the last 10 s in which all tasks waited for memory
	Full60      uint64 // the same, 60 s
	Full300     uint64 // the same, 300 s
	FullTime    uint64 // the same, all the time together
}

// A Group is the control group that limits a process, version 1 or 2. A limit is not known if there is none.
type Group struct {
	known uint64

	Version      uint64 // 1 or 2
	Limit        uint64 // the tightest limit of it and the groups above (max)
	High         uint64 // from here on it is slowed down (high; version 1: soft limit)
	Current      uint64 // in use, file contents included
	Peak         uint64 // highest use
	SwapLimit    uint64 // limit of swap (version 1: of memory and swap together)
	SwapCurrent  uint64 // swap in use (version 1: memory and swap together)
	Anonymous    uint64 // of no file
	File         uint64 // contents of files
	Kernel       uint64 // the kernel's, on its behalf
	Shmem        uint64 // shared memory
	InactiveFile uint64 // contents of files not used lately: goes first
	HighEvents   uint64 // times it was slowed down
	MaxEvents    uint64 // times it ran into its limit (version 1: failcnt)
	OOMEvents    uint64 // times memory could not be had
	OOMKills     uint64 // processes killed for it
	Some10       uint64 // share of the last 10 s in which some task waited for memory
	Some60       uint64 // the same, 60 s
	Some300      uint64 // the same, 300 s
	SomeTime     uint64 // the same, all the time together
	Full10       uint64 // share of the last 10 s in which all tasks waited for memory
	Full60       uint64 // the same, 60 s
	Full300      uint64 // the same, 300 s
	FullTime     uint64 // the same, all the time together
}

// A Native is the C library's allocator (malloc) in this process. Go's own memory is no part of it.
type Native struct {
	known uint64

	Used         uint64 // in blocks handed out, their headers included
	Free         uint64 // in free blocks, kept for reuse
	Mapped       uint64 // of used: large blocks with a mapping of their own
	MappedBlocks uint64 // large blocks with a mapping of their own
	Taken        uint64 // had from the system: used and free
	Top          uint64 // of free: at the end of the heap, can go back at once
}

// Each line fails to compile when a struct above and its original differ in size; a test compares the names.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(Process{})-unsafe.Sizeof(C.husk_process_memory{})]
	_ = [1]struct{}{}[unsafe.Sizeof(Machine{})-unsafe.Sizeof(C.husk_system_memory{})]
	_ = [1]struct{}{}[unsafe.Sizeof(Group{})-unsafe.Sizeof(C.husk_cgroup_memory{})]
	_ = [1]struct{}{}[unsafe.Sizeof(Native{})-unsafe.Sizeof(C.husk_native_memory{})]
)

func try(op string, do func() C.husk_status) error {
	return call.Try(op, func() int { return int(do()) })
}

// Info returns the memory of a process, as far as two short files tell it. What could be read is there also if there is an
// error.
func Info(pid int) (Process, error) {
	return read("memory.Info", pid, C.HUSK_ASK_BASIC|C.HUSK_ASK_STATUS)
}

// FullInfo returns all of it: as slow as the process is large, about a millisecond for 100 MiB.
func FullInfo(pid int) (Process, error) { return read("memory.FullInfo", pid, C.HUSK_ASK_ALL) }

func read(op string, pid int, ask C.uint32_t) (p Process, err error) {
	err = try(op, func() C.husk_status {
		return C.husk_process_memory_get(C.int64_t(pid), ask, (*C.husk_process_memory)(unsafe.Pointer(&p)))
	})
	return p, err
}

// System returns the memory of the machine.
func System() (m Machine, err error) {
	err = try("memory.System", func() C.husk_status {
		return C.husk_system_memory_get((*C.husk_system_memory)(unsafe.Pointer(&m)))
	})
	return m, err
}

// Cgroup returns the memory of the control group of a process. ErrMissing: it is in none.
func Cgroup(pid int) (g Group, err error) {
	err = try("memory.Cgroup", func() C.husk_status {
		return C.husk_cgroup_memory_get(C.int64_t(pid), (*C.husk_cgroup_memory)(unsafe.Pointer(&g)))
	})
	return g, err
}

// CgroupPath returns the path of that group: "/" in most containers.
func CgroupPath(pid int) (string, error) {
	var path [4097]C.char
	err := try("memory.CgroupPath", func() C.husk_status {
		return C.husk_cgroup_path(C.int64_t(pid), &path[0], C.size_t(len(path)))
	})
	if err != nil {
		return "", err
	}
	return C.GoString(&path[0]), nil
}

// Malloc returns the state of the C library's allocator. ErrMissing: this C library does not tell.
func Malloc() (n Native, err error) {
	err = try("memory.Malloc", func() C.husk_status {
		return C.husk_native_memory_get((*C.husk_native_memory)(unsafe.Pointer(&n)))
	})
	return n, err
}

// Percent returns a field of a process, by its name ("rss"), as a share of physical memory.
func Percent(pid int, field string) (share float64, err error) {
	const op = "memory.Percent"
	c, free, err := call.String(op, "the field", field)
	if err != nil {
		return 0, err
	}
	defer free()
	err = try(op, func() C.husk_status {
		return C.husk_memory_percent(C.int64_t(pid), (*C.char)(c), (*C.double)(unsafe.Pointer(&share)))
	})
	return share, err
}

// Ask returns one number by its group ("process", "system", "cgroup", "native") and field ("rss"). ErrMissing: the system
// does not tell it.
func Ask(pid int, group, field string) (n uint64, err error) {
	const op = "memory.Ask"
	cGroup, freeGroup, err := call.String(op, "the group", group)
	if err != nil {
		return 0, err
	}
	defer freeGroup()
	cField, freeField, err := call.String(op, "the field", field)
	if err != nil {
		return 0, err
	}
	defer freeField()
	err = try(op, func() C.husk_status {
		return C.husk_memory_ask(C.int64_t(pid), (*C.char)(cGroup), (*C.char)(cField), (*C.uint64_t)(unsafe.Pointer(&n)))
	})
	return n, err
}

// ResetPeak makes the present resident memory of a process the highest (PeakRSS).
func ResetPeak(pid int) error {
	return try("memory.ResetPeak", func() C.husk_status { return C.husk_process_reset_peak(C.int64_t(pid)) })
}

// Trim asks the C library's allocator to give free memory back, and returns by how much resident memory fell, as far as
// can be told. Heaps have Heap.Trim, Go itself debug.FreeOSMemory. ErrMissing: this C library cannot.
func Trim() (given uint64, err error) {
	err = try("memory.Trim", func() C.husk_status { return C.husk_native_trim((*C.uint64_t)(unsafe.Pointer(&given))) })
	return given, err
}

// ---- fields by their names ----

// A Unit of a number.
type Unit int

// The units.
const (
	Bytes        Unit = C.HUSK_UNIT_BYTES
	Count        Unit = C.HUSK_UNIT_COUNT
	Per10000     Unit = C.HUSK_UNIT_PER_10000 // hundredths of a percent
	Microseconds Unit = C.HUSK_UNIT_MICROSECONDS
)

// A Field is a number with its name.
type Field struct {
	Name  string // as in C: "peak_rss"
	Unit  Unit
	About string
	Known bool
	Value uint64
}

func fields(group string, known uint64, first unsafe.Pointer) (all []Field) {
	c, free, err := call.String("memory.Fields", "the group", group)
	if err != nil {
		return nil
	}
	defer free()
	var one C.husk_memory_field
	for i := uintptr(0); bool(C.husk_memory_field_at((*C.char)(c), C.size_t(i), &one)); i++ {
		all = append(all, Field{
			C.GoString(one.name), Unit(one.unit), C.GoString(one.text), known>>i&1 != 0,
			*(*uint64)(unsafe.Add(first, i*unsafe.Sizeof(uint64(0)))),
		})
	}
	return all
}

// Fields returns all numbers, those that are not known too.
func (p *Process) Fields() []Field { return fields("process", p.known, unsafe.Pointer(&p.RSS)) }

// Fields returns all numbers, those that are not known too.
func (m *Machine) Fields() []Field { return fields("system", m.known, unsafe.Pointer(&m.Total)) }

// Fields returns all numbers, those that are not known too.
func (g *Group) Fields() []Field { return fields("cgroup", g.known, unsafe.Pointer(&g.Version)) }

// Fields returns all numbers, those that are not known too.
func (n *Native) Fields() []Field { return fields("native", n.known, unsafe.Pointer(&n.Used)) }

func knows(all []Field, name string) bool {
	for _, one := range all {
		if one.Name == name {
			return one.Known
		}
	}
	return false
}

// Known reports whether the system has told a number, by its name in C: "peak_rss".
func (p *Process) Known(name string) bool { return knows(p.Fields(), name) }

// Known reports whether the system has told a number, by its name in C: "available".
func (m *Machine) Known(name string) bool { return knows(m.Fields(), name) }

// Known reports whether the system has told a number, by its name in C: "limit".
func (g *Group) Known(name string) bool { return knows(g.Fields(), name) }

// Known reports whether the C library has told a number, by its name in C: "used".
func (n *Native) Known(name string) bool { return knows(n.Fields(), name) }

func lineOf(all []Field) string {
	var b strings.Builder
	for _, one := range all {
		if one.Known {
			fmt.Fprintf(&b, " %s=%d", one.Name, one.Value)
		}
	}
	return strings.TrimPrefix(b.String(), " ")
}

// String returns what is known, in one line.
func (p Process) String() string { return lineOf(p.Fields()) }

// String returns what is known, in one line.
func (m Machine) String() string { return lineOf(m.Fields()) }

// String returns what is known, in one line.
func (g Group) String() string { return lineOf(g.Fields()) }

// String returns what is known, in one line.
func (n Native) String() string { return lineOf(n.Fields()) }
