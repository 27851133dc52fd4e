//go:build !husk_noffi

// Package foreign is the C that the tests of callbacks need: tests themselves may hold none.
package foreign

/*
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include <husk/ffi.h>

typedef int compare_fn(const void *, const void *);
static void sort_with(void *base, size_t count, void *code)
{
    qsort(base, count, sizeof(int), (compare_fn *)(uintptr_t)code);
}
typedef int number_fn(int);
static int call(void *code, int value)
{
    return ((number_fn *)(uintptr_t)code)(value);
}
struct work { void *code; int value, result; };
static void *work(void *data)
{
    struct work *w = data;
    w->result = call(w->code, w->value);
    return NULL;
}
static int call_elsewhere(void *code, int value)
{
    struct work w = { code, value, -1 };
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, &w) != 0)
        return -2;
    pthread_join(thread, NULL);
    return w.result;
}
typedef double mixed_fn(_Bool, int8_t, uint64_t, float, const char *, void *);
static double mixed(void *code, void *p)
{
    return ((mixed_fn *)(uintptr_t)code)(1, -3, UINT64_MAX, 0.5f, "text", p);
}
struct point { double x; int n; };
typedef struct point point_fn(struct point);
static int turn(void *code)
{
    struct point got = ((point_fn *)(uintptr_t)code)((struct point){ 1.5, 6 });
    return got.x == 1.5 && got.n == 6;
}
*/
import "C"

import "unsafe"

// Sort is qsort.
func Sort(numbers []int32, code unsafe.Pointer) {
	C.sort_with(unsafe.Pointer(&numbers[0]), C.size_t(len(numbers)), code)
}

// Call calls an int(int).
func Call(code unsafe.Pointer, value int) int { return int(C.call(code, C.int(value))) }

// CallElsewhere does so on a thread of C.
func CallElsewhere(code unsafe.Pointer, value int) int {
	return int(C.call_elsewhere(code, C.int(value)))
}

// FailMemory has the nth request of libhusk-ffi from here refused; 0: none.
func FailMemory(nth uint64) { C.husk_ffi_memory_fail(C.uint64_t(nth), false) }

// Held are the bytes that libhusk-ffi holds, dead code left out, which is given back.
func Held() uint64 {
	C.husk_ffi_quarantine_empty()
	return uint64(C.husk_ffi_memory_held())
}

// Mixed calls an f64(bool,i8,u64,f32,str,ptr) with 1, -3, 2^64 - 1, 0.5, "text" and p.
func Mixed(code, p unsafe.Pointer) float64 { return float64(C.mixed(code, p)) }

// Turn calls a function of a struct {x:f64,n:int}, and tells whether it gave the same back.
func Turn(code unsafe.Pointer) bool { return C.turn(code) != 0 }
