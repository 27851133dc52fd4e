/* bindings/generic/figure.c: see figure.h. */
#include "figure.h"

#include <stddef.h>
#include <string.h>

#define AT(prefix, struct_, field) HUSK_GENERIC_FIELD(prefix, struct_, field)

static const husk_generic_field heap_figures[] = {
    AT("", husk_heap_figures, objects),       AT("", husk_heap_figures, object_bytes),
    AT("", husk_heap_figures, buffer_bytes),  AT("", husk_heap_figures, foreign_bytes),
    AT("", husk_heap_figures, bytes_taken),   AT("", husk_heap_figures, bytes_peak),
    AT("", husk_heap_figures, max_bytes),     AT("", husk_heap_figures, pages),
    AT("", husk_heap_figures, pages_spare),   AT("", husk_heap_figures, chunks),
    AT("", husk_heap_figures, weak_cells),    AT("", husk_heap_figures, frozen_objects),
    AT("", husk_heap_figures, dying_objects), AT("", husk_heap_figures, dying_bytes),
};
static const husk_generic_field pass_figures[] = {
    AT("pass.", husk_pass, examined),      AT("pass.", husk_pass, collected),
    AT("pass.", husk_pass, uncollectable), AT("pass.", husk_pass, finalized),
    AT("pass.", husk_pass, resurrected),   AT("pass.", husk_pass, weak_cleared),
    AT("pass.", husk_pass, deferred),      AT("pass.", husk_pass, bytes),
    AT("pass.", husk_pass, find_ns),       AT("pass.", husk_pass, finalize_ns),
    AT("pass.", husk_pass, reclaim_ns),    AT("pass.", husk_pass, passes),
    AT("pass.", husk_pass, number),
};
static const husk_generic_field count_figures[] = {
    AT("counts.", husk_counts, grown_objects),
    AT("counts.", husk_counts, grown_bytes),
    AT("counts.", husk_counts, limit_objects),
    AT("counts.", husk_counts, limit_bytes),
};
static const husk_generic_field total_figures[] = {
    AT("total.", husk_generation, passes),       AT("total.", husk_generation, examined),
    AT("total.", husk_generation, collected),    AT("total.", husk_generation, uncollectable),
    AT("total.", husk_generation, finalized),    AT("total.", husk_generation, resurrected),
    AT("total.", husk_generation, weak_cleared), AT("total.", husk_generation, bytes),
    AT("total.", husk_generation, find_ns),      AT("total.", husk_generation, finalize_ns),
    AT("total.", husk_generation, reclaim_ns),   AT("total.", husk_generation, longest_ns),
};
static const husk_generic_field region_figures[] = {
    AT("region.", husk_region, objects),       AT("region.", husk_region, bytes),
    AT("region.", husk_region, grown_objects), AT("region.", husk_region, grown_bytes),
    AT("region.", husk_region, active),        AT("region.", husk_region, kept),
};
static const husk_generic_field idle_figures[] = {
    AT("idle.", husk_idle, served),    AT("idle.", husk_idle, passed),
    AT("idle.", husk_idle, stepped),   AT("idle.", husk_idle, trimmed),
    AT("idle.", husk_idle, more),      AT("idle.", husk_idle, expected_ns),
    AT("idle.", husk_idle, collected), AT("idle.", husk_idle, bytes_back),
    AT("idle.", husk_idle, took_ns),
};
static const husk_generic_field stress_figures[] = {
    AT("stress.", husk_stress, every),
    AT("stress.", husk_stress, seed),
};

static uint64_t number_at(const char *at, size_t size)
{
    bool truth;
    size_t narrow;
    uint64_t wide;
    if (size == sizeof truth) {
        memcpy(&truth, at, sizeof truth);
        return truth;
    }
    if (size == sizeof wide) {
        memcpy(&wide, at, sizeof wide);
        return wide;
    }
    memcpy(&narrow, at, sizeof narrow);
    return narrow;
}

bool husk_generic_find(const husk_generic_field *list, size_t count, const void *of, const char *name,
                       int64_t *out)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].name, name) == 0) {
            uint64_t value = number_at((const char *)of + list[i].offset, list[i].size);
            *out = value > INT64_MAX ? INT64_MAX : (int64_t)value;
            return true;
        }
    }
    return false;
}
#define IN(list, of) husk_generic_find(list, sizeof list / sizeof *list, of, name, &found)

int64_t husk_generic_figure(husk_heap *heap, const char *name)
{
    int64_t found = 0;
    const husk_generic_extra *extra = husk_generic_extra_of(heap);
    husk_heap_figures figures;
    husk_counts counts;
    husk_generation total;
    husk_region region;
    husk_stress stress;
    husk_heap_figures_get(heap, &figures);
    husk_heap_counts(heap, &counts);
    (void)husk_heap_generation(heap, 0, &total);
    if (!husk_heap_no_gc(heap, &region))
        region = extra->region;
    husk_heap_get_stress(heap, &stress);
    if (IN(heap_figures, &figures) || IN(pass_figures, &extra->pass) || IN(count_figures, &counts) ||
        IN(total_figures, &total) || IN(region_figures, &region) || IN(idle_figures, &extra->idle) ||
        IN(stress_figures, &stress))
        return found;
    (void)husk_heap_fail(heap, HUSK_EMISSING, "there is no figure '%s'", name);
    return 0;
}
