/* view/cut.h: a writer (base/out.h) into a caller's buffer, which may be too small: then the text is cut, and
 * its whole length is known, as with snprintf. */
#ifndef HUSK_VIEW_CUT_H
#define HUSK_VIEW_CUT_H

#include "base/out.h"

#include <string.h>

struct husk__cut {
    char *buffer;
    size_t room, length;
};

static inline bool husk__cut_write(const void *bytes, size_t length, void *data)
{
    struct husk__cut *cut = data;
    if (cut->room && cut->length < cut->room - 1) {
        size_t left = cut->room - 1 - cut->length;
        memcpy(cut->buffer + cut->length, bytes, length < left ? length : left);
    }
    cut->length += length;
    return true;
}

/* Ends the text; its length. */
static inline size_t husk__cut_end(struct husk__cut *cut)
{
    if (cut->room)
        cut->buffer[cut->length < cut->room ? cut->length : cut->room - 1] = 0;
    return cut->length;
}

#endif
