/* bench/bindings/ffi_calls/work.c: the C library that all ways to call C are measured with. Each function does next to
 * nothing, so that the way there is what is measured. */
#include "work.h"

#include <string.h>

int work_next(int x)
{
    return x + 1;
}

int work_repeat(int n, int (*f)(int, int))
{
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum = f(sum & 15, i);
    return sum;
}

int work_compare(int n, int (*f)(const int *, const int *))
{
    int values[2] = { 1, 2 }, sum = 0;
    for (int i = 0; i < n; i++)
        sum += f(&values[0], &values[1]);
    return sum;
}

work_point work_swap(work_point p)
{
    return (work_point){ p.y, p.x };
}

size_t work_length(const char *text)
{
    return strlen(text);
}
