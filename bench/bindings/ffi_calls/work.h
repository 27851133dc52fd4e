/* bench/bindings/ffi_calls/work.h: see work.c. */
#ifndef HUSK_BENCH_WORK_H
#define HUSK_BENCH_WORK_H

#include <stddef.h>

#define WORK_API __attribute__((visibility("default")))

typedef struct work_point {
    double x, y;
} work_point;

WORK_API int work_next(int x);
WORK_API int work_repeat(int n, int (*f)(int, int));
WORK_API int work_compare(int n, int (*f)(const int *, const int *));
WORK_API work_point work_swap(work_point p);
WORK_API size_t work_length(const char *text);

#endif
