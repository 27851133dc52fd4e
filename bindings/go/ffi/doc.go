//go:build !husk_noffi

// Package ffi turns Go functions into C function pointers, described at run time by a text as "int(ptr,ptr)"
// (docs/ffi-signatures.md), for C functions that ask for a callback. It needs libhusk-ffi, found by pkg-config; with the
// build tag husk_noffi it is left out. No heap has a part in it: a ref, which is an object of one, is refused in signatures.
//
// Ownership: a Callback owns its function until Close, and C owns nothing of it. One that is lost without Close is closed
// when Go's collector finds it, and reported. C may still call what is closed: it gets zero, and husk.ErrState with
// name and signature is reported; that holds until 256 later callbacks have ended, then the code is used again.
//
// Errors: a panic cannot pass C: C gets zero, and the panic is reported as husk.ErrHook; so is a result that does not fit.
// Reports go to OnReport, and the latest is LastError. runtime.Goexit (and with it FailNow of a test) must not be called
// in a callback: it would tear C's frames.
//
// Threads: a callback belongs to the thread on which it was made, since much of C does. C calls back on the thread on
// which it was called; so the goroutine must stay on its thread, by runtime.LockOSThread before NewCallback and until
// C has done with it. With does both. On another thread the function is not run: C gets zero, and husk.ErrBusy is
// reported, there. Close may be called anywhere.
package ffi
