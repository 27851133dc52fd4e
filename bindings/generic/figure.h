/* bindings/generic/figure.h: figures by name, since no struct crosses into every language. */
#ifndef HUSK_GENERIC_FIGURE_H
#define HUSK_GENERIC_FIGURE_H

#include "value.h"

/* A field of a struct: an unsigned integer or a truth, which is 1 or 0. */
typedef struct husk_generic_field {
    const char *name;
    size_t offset, size;
} husk_generic_field;

#define HUSK_GENERIC_FIELD(prefix, struct_, field)                                                           \
    {                                                                                                        \
        prefix #field, offsetof(struct_, field), sizeof(((struct_ *)NULL)->field)                            \
    }

/* The value of the field with this name, in the struct at `of`; false: the list does not have it. What is more than
 * INT64_MAX is that. */
bool husk_generic_find(const husk_generic_field *list, size_t count, const void *of, const char *name,
                       int64_t *out);

/* A figure of the heap: a field of husk_heap_figures ("objects"), of the latest collect ("pass.finalized"), of
 * husk_counts ("counts.grown_objects"), of husk_generation ("total.passes"), of the region without passes that was not
 * ended yet, else of the latest one ("region.grown_bytes"), of the latest idle ("idle.collected"), of husk_stress
 * ("stress.every"). */
int64_t husk_generic_figure(husk_heap *heap, const char *name);

#endif
