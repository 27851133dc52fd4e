/* resident.c: how much the resident memory of the process grows for each object of a list, as they are born ("bytes"), and
 * once a full collection has looked at them ("bytes_after": a collector may keep tables beside the objects). */
#include "work.h"

static sys_obj *head; /* lies where a conservative collector looks */

void work_bytes(const work *w)
{
    uint32_t sum = 0;
    for (int i = 0; i < 2; i++) /* the program's own first steps are no object's bytes */
        sys_end(sys_new());
    double before = bench_resident();
    for (size_t i = 0; i < w->size; i++) {
        sys_obj *o = sys_new();
        sys_number(o) = (int64_t)i;
        if (head)
            sys_take(o, 0, head);
        head = o;
    }
    work_figure("bytes", (bench_resident() - before) / (double)w->size);
#if SYS_COLLECTS
    (void)sys_collect();
    work_figure("bytes_after", (bench_resident() - before) / (double)w->size);
#endif
    for (sys_obj *o = head; o; o = sys_ref(o, 0))
        sum = work_mix(sum, (uint64_t)sys_number(o));
    work_sum(sum);
}
