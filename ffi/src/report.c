/* report.c: what goes wrong where no caller can be told: kept as the space's last report, given to its
 * handler on the maker's thread, to another one elsewhere. */
#include "report.h"

#include <stdio.h>
#include <string.h>

void husk__ffi_report(husk_ffi_space *space, husk_status status, const char *text)
{
    husk_ffi_report report = { .status = status };
    snprintf(report.text, sizeof report.text, "%s", text);
    pthread_mutex_lock(&space->report_lock);
    report.number = space->last.number + 1;
    space->last = report;
    husk_ffi_report_fn *fn = space->report_fn, *elsewhere = space->elsewhere_fn;
    void *data = space->report_data, *elsewhere_data = space->elsewhere_data;
    pthread_mutex_unlock(&space->report_lock);
    /* Only the maker's thread sets the first handler, so here it stays. */
    bool here = space->owner == husk__ffi_thread();
    if (fn && here)
        fn(&report, data);
    else if (elsewhere && !here)
        elsewhere(&report, elsewhere_data);
    else if (!fn)
        fprintf(stderr, "husk: %s\n", report.text);
}

void husk_ffi_space_on_report(husk_ffi_space *space, husk_ffi_report_fn *fn, void *data,
                              husk_free_fn *data_free)
{
    pthread_mutex_lock(&space->report_lock);
    void *old = space->report_data;
    husk_free_fn *old_free = space->report_data_free;
    space->report_fn = fn;
    space->report_data = data;
    space->report_data_free = data_free;
    pthread_mutex_unlock(&space->report_lock);
    if (old_free)
        old_free(old);
}

void husk_ffi_space_on_report_elsewhere(husk_ffi_space *space, husk_ffi_report_fn *fn, void *data)
{
    pthread_mutex_lock(&space->report_lock);
    space->elsewhere_fn = fn;
    space->elsewhere_data = data;
    pthread_mutex_unlock(&space->report_lock);
}

bool husk_ffi_last_report(const husk_ffi_space *space, husk_ffi_report *out)
{
    husk_ffi_space *own = (husk_ffi_space *)(uintptr_t)space; /* to lock it; nothing else changes */
    pthread_mutex_lock(&own->report_lock);
    *out = own->last;
    pthread_mutex_unlock(&own->report_lock);
    return out->number != 0;
}
