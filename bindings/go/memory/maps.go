package memory

// #include <stdlib.h>
// #include "host.h"
import "C"

import (
	"unsafe"
)

// Sizes are what is resident of a mapping.
type Sizes struct {
	known uint64

	RSS          uint64 // resident
	PSS          uint64 // resident, shared pages divided by their users
	SharedClean  uint64 // of several processes, as in the file
	SharedDirty  uint64 // of several processes, written
	PrivateClean uint64 // of this process alone, as in the file
	PrivateDirty uint64 // of this process alone, written
	Referenced   uint64 // used since the system last looked
	Anonymous    uint64 // of no file, copied pages of a file included
	LazyFree     uint64 // given up, still counted until the system needs it
	AnonHuge     uint64 // of no file, in large pages
	Swap         uint64 // swapped out
	SwapPSS      uint64 // swapped out, shared pages divided by their users
	Locked       uint64 // locked in memory
}

var _ = [1]struct{}{}[unsafe.Sizeof(Sizes{})-unsafe.Sizeof(C.husk_map_memory{})]

// A MapKind says what a mapping is of.
type MapKind int

// The kinds.
const (
	OfFile      MapKind = C.HUSK_MAP_OF_FILE
	OfHeap      MapKind = C.HUSK_MAP_OF_HEAP      // where the C library's allocator begins
	OfStack     MapKind = C.HUSK_MAP_OF_STACK     // of a thread
	OfShared    MapKind = C.HUSK_MAP_OF_SHARED    // shared memory: of no file that a disk holds
	OfAnonymous MapKind = C.HUSK_MAP_OF_ANONYMOUS // private memory of no file: Go's heap is here
	OfKernel    MapKind = C.HUSK_MAP_OF_KERNEL
)

// String returns "file", "heap", "stack", "shared", "anonymous" or "kernel".
func (k MapKind) String() string {
	if name := C.husk_map_kind_name(C.husk_map_kind(k)); name != nil {
		return C.GoString(name)
	}
	return "unknown"
}

// A Map is a mapping of a process, or a group of them.
type Map struct {
	Start, End    uint64 // grouped: of the first one
	Bytes         uint64 // of address space; grouped: the sum
	Offset, Inode uint64 // in the file; 0: of no file
	Path          string // any bytes; "": none; "[heap]" and the like
	Permissions   string // "rw-p"
	Kind          MapKind
	Deleted       bool // the file has no name any more
	Thread        int  // of a stack; 0: not known
	Count         int  // mappings in it: 1, or more when grouped
	Sizes         Sizes
}

// Known reports whether the system has told a number, by its name in C: "rss". Without MapsOptions.Sizes none is.
func (s *Sizes) Known(name string) bool {
	return knows(fields("map", s.known, unsafe.Pointer(&s.RSS)), name)
}

// MapsOptions of Maps. The zero value is fine.
type MapsOptions struct {
	Sizes   bool // with Map.Sizes: as slow as FullInfo
	Grouped bool // one for each path, and for each kind of what has none, the largest first
	Stacks  bool // find the stacks of all threads; without it that of the first alone is known
}

// Maps returns the mappings of a process, by address.
func Maps(pid int, o MapsOptions) ([]Map, error) {
	var flags C.uint32_t
	for flag, on := range map[C.uint32_t]bool{
		C.HUSK_MAPS_SIZES: o.Sizes, C.HUSK_MAPS_GROUPED: o.Grouped, C.HUSK_MAPS_STACKS: o.Stacks,
	} {
		if on {
			flags |= flag
		}
	}
	var c *C.husk_maps
	if err := try("memory.Maps", func() C.husk_status { return C.husk_maps_read(C.int64_t(pid), flags, &c) }); err != nil {
		return nil, err
	}
	defer C.husk_maps_free(c)
	all := make([]Map, C.husk_maps_count(c))
	for i := range all {
		var one C.husk_map
		C.husk_maps_at(c, C.size_t(i), &one)
		all[i] = Map{
			uint64(one.start), uint64(one.end), uint64(one.bytes), uint64(one.offset), uint64(one.inode),
			string(unsafe.Slice((*byte)(unsafe.Pointer(one.path)), int(one.path_length))), C.GoString(&one.permissions[0]),
			MapKind(one.kind), bool(one.deleted), int(one.thread), int(one.count), *(*Sizes)(unsafe.Pointer(&one.memory)),
		}
	}
	return all, nil
}

// A Thread of a process.
type Thread struct {
	ID                       int
	Name                     string // any bytes
	State                    byte   // 'R' runs, 'S' sleeps and so on
	MinorFaults, MajorFaults uint64
}

// Threads returns the threads of a process.
func Threads(pid int) ([]Thread, error) {
	var found C.husk_go_threads
	err := try("memory.Threads", func() C.husk_status { return C.husk_go_threads_of(C.int64_t(pid), &found) })
	defer C.free(unsafe.Pointer(found.rows))
	if err != nil {
		return nil, err
	}
	all := make([]Thread, 0, int(found.count))
	for _, one := range unsafe.Slice(found.rows, int(found.count)) {
		all = append(all, Thread{
			int(one.id), C.GoString(&one.name[0]), byte(one.state), uint64(one.minor_faults), uint64(one.major_faults),
		})
	}
	return all, nil
}
