/* base/status.c: names and texts, made from the one list in <husk/status.h>; the fatal report. */
#include "base/check.h"

#include <husk/status.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *husk_status_name(husk_status status)
{
    switch (status) {
#define NAME(name, code, text)                                                                               \
    case HUSK_##name:                                                                                        \
        return "HUSK_" #name;
        HUSK_STATUS_LIST(NAME)
#undef NAME
    }
    return "HUSK_UNKNOWN";
}

const char *husk_status_text(husk_status status)
{
    switch (status) {
#define TEXT(name, code, text)                                                                               \
    case HUSK_##name:                                                                                        \
        return text;
        HUSK_STATUS_LIST(TEXT)
#undef TEXT
    }
    return "no such status";
}

_Noreturn void husk__fatal(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("husk: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}
