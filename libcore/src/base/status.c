/* base/status.c: names and texts, made from the one list in <husk/status.h>; the message of calls without a heap;
 * the fatal report. */
#include "base/check.h"

#include <husk/status.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local char message[512];

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

const char *husk_message(void)
{
    return message;
}

husk_status husk_fail(husk_status status, const char *format, ...)
{
    char text[sizeof message]; /* the old message may be an argument */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    memcpy(message, text, sizeof text);
    return status;
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
