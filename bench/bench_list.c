/* bench_list.c: a list of 10^6 nodes, built and dropped, or dropped alone. One operation is one node. */
#include "bench.h"
#include "system.h"

static sys_obj *list_build(size_t nodes)
{
    sys_obj *head = NULL;
    for (size_t i = 0; i < nodes; i++) {
        sys_obj *o = sys_new();
        sys_number(o) = (int64_t)i;
        if (head)
            sys_take(o, 0, head);
        head = o;
    }
    return head;
}

static void list_check(sys_obj *head, size_t nodes)
{
    for (sys_obj *o = head; o; o = sys_ref(o, 0))
        bench_check(sys_number(o) == (int64_t)--nodes, "the list holds its numbers in order");
    bench_check(nodes == 0, "the list has all its nodes");
}

void bench_list(const bench *b)
{
    for (unsigned s = 0; s <= b->samples; s++) {
        uint64_t start = bench_now();
        sys_obj *head = list_build(b->objects);
        BENCH_KEEP(head);
        sys_end_list(head);
        uint64_t ns = bench_now() - start;
        if (s > 0)
            bench_sample(b, ns, b->objects);
    }
}

void bench_list_drop(const bench *b)
{
    for (unsigned s = 0; s <= b->samples; s++) {
        sys_obj *head = list_build(b->objects);
        list_check(head, b->objects);
        uint64_t start = bench_now();
        sys_end_list(head);
        uint64_t ns = bench_now() - start;
        if (s > 0)
            bench_sample(b, ns, b->objects);
    }
}
