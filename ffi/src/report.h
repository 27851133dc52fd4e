/* report.h: telling of what no caller can be told. */
#ifndef HUSK_FFI_SRC_REPORT_H
#define HUSK_FFI_SRC_REPORT_H

#include "space.h"

/* Any thread. */
void husk__ffi_report(husk_ffi_space *space, husk_status status, const char *text);

#endif
