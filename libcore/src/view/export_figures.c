/* view/export_figures.c: what the figures of a snapshot mean: those of the system by husk/process.h, ours by their names. */
#include "view/export.h"

#include <husk/process.h>
#include <string.h>

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), e = strlen(end);
    return n >= e && strcmp(name + n - e, end) == 0;
}

struct husk__figure_kind husk__figure_kind(const char *group, const char *name)
{
    husk_memory_field field;
    for (size_t i = 0; husk_memory_field_at(group, i, &field); i++) {
        if (strcmp(field.name, name) != 0)
            continue;
        switch (field.unit) {
        case HUSK_UNIT_BYTES:
            return (struct husk__figure_kind){ FIGURE_BYTES, field.text };
        case HUSK_UNIT_MICROSECONDS:
            return (struct husk__figure_kind){ FIGURE_MICROSECONDS, field.text };
        case HUSK_UNIT_PER_10000:
            return (struct husk__figure_kind){ FIGURE_PER_10000, field.text };
        default:
            return (struct husk__figure_kind){ FIGURE_COUNT, field.text };
        }
    }
    if (ends_in(name, "_ns"))
        return (struct husk__figure_kind){ FIGURE_NANOSECONDS, NULL };
    bool bytes = strstr(name, "bytes") || strcmp(group, "balance") == 0;
    return (struct husk__figure_kind){ bytes ? FIGURE_BYTES : FIGURE_COUNT, NULL };
}
