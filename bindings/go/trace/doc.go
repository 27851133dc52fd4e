// Package trace tells who made the objects of a heap (package husk), and where the memory went.
//
// # Tracing
//
// Between Start and Stop each object that is made, each growing part of a list or map, notes the Go stack it was made on:
// the newest frame is the first one outside of this module. It costs nothing to a heap that is not traced. With
// Options.SampleBytes a part is noted, and sums are estimates without bias: cheap enough to leave on. A heap that is made
// while the environment has HUSK_TRACE=frames, or HUSK_TRACE=frames:bytes for samples, is traced from the start.
//
// # Snapshots
//
// Take makes a snapshot, which never changes, has what later questions need, and can be saved and loaded. Statistics and
// Compare answer them: who has how much, by line, function, type, tag; what has grown. Export writes the forms that
// other programs read: go tool pprof, the memory panel of Chrome, speedscope.
//
//	snapshot, err := trace.Take(heap)
//	stats, err := snapshot.Statistics(trace.ByLine, trace.Top(5))
//	fmt.Print(stats)
//
// # Goroutines
//
// Everything may be used by any goroutine. Tags and domains belong to the goroutine that sets them.
package trace
