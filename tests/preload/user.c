/* tests/preload/user.c: a program that uses Husk, and traces its own blocks, under the preload, which has a Husk of its
 * own inside: neither sees the other's. */
#include <husk.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(const char *what)
{
    fprintf(stderr, "user: %s: %s\n", what, husk_message());
    return 1;
}

int main(int argc, char **argv)
{
    husk_heap *heap;
    husk_trace_options options = { HUSK_TRACE_OPTIONS, .frames = 5 };
    if (argc != 2 || husk_heap_new(NULL, &heap) || husk_trace_start(NULL, &options))
        return failed("start");
    for (unsigned i = 0; i < 100; i++) {
        void *volatile block = malloc(50);
        if (i < 10 && husk_trace_block(3, (uint64_t)(size_t)block, 50))
            return failed("block");
    }
    /* What the other one counts: exactly what is asked for. */
    uint64_t before, after;
    husk_native_teller teller;
    if (husk_native_used(&before, &teller) || teller != HUSK_NATIVE_PRELOAD)
        return failed("used");
    void *volatile more = malloc(12345);
    if (husk_native_used(&after, &teller) || after - before != 12345)
        return failed("more used");
    free(more);
    if (husk_native_used(&after, &teller) || after != before)
        return failed("less used");
    husk_trace_figures figures;
    husk_trace_figures_get(NULL, &figures);
    if (figures.count != 10 || figures.bytes != 500 || figures.places == 0)
        return failed("figures");
    husk_snapshot *snapshot;
    if (husk_snapshot_new(heap, NULL, &snapshot) || husk_snapshot_save(snapshot, argv[1]))
        return failed("snapshot");
    husk_snapshot_free(snapshot);
    husk_trace_stop(NULL);
    husk_heap_close(heap);
    return 0;
}
