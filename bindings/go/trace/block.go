package trace

// #include "host.h"
import "C"

// Blocks are memory that no heap has handed out: that of C libraries, say, or of an allocator of the program's own. The
// process has one tracer for them, beside those of the heaps, and every snapshot has them too. A block is told by a domain,
// which is any number, and an address. Its place are the native frames that called Block: Go's do not show, so that mostly
// the domain says whose a block is.

// StartBlocks begins to note blocks. ErrState: it is on already.
func StartBlocks(options ...Options) error {
	const op = "trace.StartBlocks"
	c, err := startOptions(op, Native, options)
	if err != nil {
		return err
	}
	return try(op, func() C.husk_status { return C.husk_trace_start(nil, &c) })
}

// StopBlocks ends it and forgets what was noted.
func StopBlocks() { C.husk_trace_stop(nil) }

// BlocksOn reports whether blocks are noted.
func BlocksOn() bool { return bool(C.husk_trace_is_on(nil)) }

// BlockFigures is Figures for blocks.
func BlockFigures() Usage {
	var f C.husk_trace_figures
	C.husk_trace_figures_get(nil, &f)
	return usageOf(&f)
}

// Block notes that there are so many bytes at an address, and replaces what was noted there. ErrState: blocks are not noted.
func Block(domain uint32, address uintptr, bytes uint64) error {
	return try("trace.Block", func() C.husk_status {
		return C.husk_trace_block(C.uint32_t(domain), C.uint64_t(address), C.size_t(bytes))
	})
}

// Unblock notes that a block is gone. One that was not noted is fine.
func Unblock(domain uint32, address uintptr) error {
	return try("trace.Unblock", func() C.husk_status {
		return C.husk_trace_unblock(C.uint32_t(domain), C.uint64_t(address))
	})
}
