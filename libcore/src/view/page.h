/* view/page.h: report.html before and behind the data. embed_page.cmake makes the arrays, each with a NUL behind it. */
#ifndef HUSK_VIEW_PAGE_H
#define HUSK_VIEW_PAGE_H

#include <stddef.h>

extern const unsigned char husk__page_head[], husk__page_tail[];
extern const size_t husk__page_head_length, husk__page_tail_length;

#endif
