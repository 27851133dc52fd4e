/* bench_trace.c: what tracing costs: time added to alloc + free, and bytes for each traced object.
 *
 * Time. Stretches with and without tracing alternate every millisecond or two, so that both meet the same
 * moods of the machine; what a run prints is the difference (sampled: the quotient) of their minima.
 * Outside the clock are the start, the stop and a first part of each stretch, which meets every place.
 *
 * Bytes. So many objects are born untraced and weighed, then as many traced ones: what the process grew
 * more for each of these, and what the tracer says of itself. */
#include "bench.h"
#include "system.h"

enum {
    DEEP = 30, /* calls on the stack: more than are recorded */
    HOPS = 4,  /* of a stack that moves: its newest frames */
    FEW = 10,
    MANY = 100000,
    SAMPLE_BYTES = 512 * 1024,
};

/* ---- time ---- */

typedef struct stretch {
    size_t turns;
    sys_step *birth; /* NULL: where the stretch itself stands */
    uint64_t ns;
} stretch;

static void one_birth(void *data)
{
    (void)data;
    sys_obj *o = sys_new();
    BENCH_KEEP(o);
    sys_end(o);
}

static void births(const stretch *s, size_t turns)
{
    if (s->birth) {
        for (size_t i = 0; i < turns; i++)
            sys_deep(1 + i % HOPS, s->birth, NULL);
        return;
    }
    for (size_t i = 0; i < turns; i++) {
        sys_obj *o = sys_new();
        BENCH_KEEP(o);
        sys_end(o);
    }
}

static void run_stretch(void *data)
{
    stretch *s = data;
    births(s, s->turns / 10 + 1);
    uint64_t start = bench_now();
    births(s, s->turns);
    s->ns = bench_now() - start;
}

/* The least time of a stretch without tracing, and with. */
static void alternate(const bench *b, unsigned frames, size_t sample_bytes, sys_deep_fn *deep, stretch s,
                      double least[2])
{
    /* Short enough to fall between other load: in CPython 1000 deep ones take a millisecond or two. */
    unsigned times = b->quick ? 1 : frames > 1 ? 100 : 20;
    s.turns = b->turns / (frames > 1 ? 200 : 20);
    least[0] = least[1] = 0;
    for (unsigned i = 0; i < 2 * times; i++) {
        unsigned traced = i % 2;
        if (traced)
            sys_trace_start(frames, sample_bytes);
        deep(frames > 1 ? DEEP : 1, run_stretch, &s);
        if (traced)
            sys_trace_stop();
        double ns = (double)s.ns / (double)s.turns;
        if (least[traced] == 0 || ns < least[traced])
            least[traced] = ns;
    }
}

static void added(const bench *b, unsigned frames, sys_deep_fn *deep, sys_step *birth)
{
    for (unsigned n = 0; n < b->samples; n++) {
        double least[2];
        alternate(b, frames, 0, deep, (stretch){ .birth = birth }, least);
        bench_figure(b, least[1] - least[0]);
    }
}

void bench_trace_one(const bench *b)
{
    added(b, 1, sys_deep, NULL);
}

void bench_trace_deep(const bench *b)
{
    added(b, SYS_FRAMES, sys_deep, NULL);
}

void bench_trace_moving(const bench *b)
{
    added(b, SYS_FRAMES, sys_deep, one_birth);
}

#if SYS_NATIVE
void bench_trace_pointers(const bench *b)
{
    added(b, SYS_FRAMES, sys_deep_pointers, NULL);
}

void bench_trace_sampled(const bench *b)
{
    bench longer = *b;
    longer.turns *= 10;
    for (unsigned n = 0; n < b->samples; n++) {
        double least[2];
        alternate(&longer, 1, SAMPLE_BYTES, sys_deep, (stretch){ 0 }, least);
        bench_figure(b, least[1] / least[0]);
    }
}
#endif

/* ---- bytes ---- */

typedef struct growing {
    sys_obj *head;
    size_t count;
} growing;

static void one_more(void *data)
{
    growing *list = data;
    sys_obj *o = sys_new();
    if (list->head)
        sys_take(o, 0, list->head);
    list->head = o;
    list->count++;
}

static void nothing(void *data)
{
    (void)data;
}

static void grow(growing *list, size_t count, size_t places)
{
    for (size_t i = 0; i < count; i += places)
        sys_each_place(places, one_more, list);
}

static void weigh(const bench *b, size_t places, const char *own_row)
{
    growing list = { NULL, 0 };
    size_t count = b->objects;
    if (places > count)
        places = count;
    sys_each_place(places, nothing, NULL); /* what the places themselves need is no tracer's business */
    double before = bench_resident();
    grow(&list, count, places);
    double untraced = bench_resident();
    sys_trace_start(1, 0);
    grow(&list, count, places);
    double traced = bench_resident();
    size_t own = sys_trace_own();
    bench_check(list.count == 2 * count, "all objects were made");
    bench_figure(b, (traced - untraced - (untraced - before)) / (double)count);
    bench says = *b;
    says.row = own_row;
    bench_figure(&says, (double)own / (double)count);
    sys_trace_stop();
    sys_end_list(list.head);
}

void bench_trace_bytes(const bench *b)
{
    weigh(b, FEW, "trace_own");
}

void bench_trace_bytes_many(const bench *b)
{
    weigh(b, MANY, "trace_own_many");
}
