/* bench_resident.c: how much the resident memory of the process grows for each of 10^6 objects, as they
 * are born, and once a full collection has looked at them (a collector may keep tables beside the
 * objects). */
#include "bench.h"
#include "system.h"

/* Must lie where a conservative collector looks. */
static sys_obj *head;

static void measure(const bench *b, bool collect)
{
    for (int i = 0; i < 2; i++) /* the program's own first steps are no object's bytes */
        sys_end(sys_new());
    double before = bench_resident();
    for (size_t i = 0; i < b->objects; i++) {
        sys_obj *o = sys_new();
        sys_number(o) = (int64_t)i;
        if (head)
            sys_take(o, 0, head);
        head = o;
    }
#if SYS_COLLECTS
    if (collect)
        (void)sys_collect();
#else
    (void)collect;
#endif
    double after = bench_resident();
    size_t nodes = 0;
    for (sys_obj *o = head; o; o = sys_ref(o, 0))
        nodes++;
    bench_check(nodes == b->objects, "all objects are there when they are weighed");
    bench_figure(b, (after - before) / (double)b->objects);
    sys_obj *last = head;
    head = NULL;
    sys_end_list(last);
}

void bench_bytes(const bench *b)
{
    measure(b, false);
}

void bench_bytes_after(const bench *b)
{
    measure(b, true);
}
