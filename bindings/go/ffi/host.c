/* bindings/go/ffi/host.c: see host.h. */
#include "host.h"

#include <pthread.h>
#include <stdlib.h>

/* Written in Go: called.go. */
extern void huskGoFfiReport(int status, char *text);
extern bool huskGoFfiCalled(husk_go_callback *callback, uintptr_t id, void **args, size_t count,
                            void *result);

struct husk_go_home {
    husk_ffi_space *space;
    pthread_t thread;
    size_t users; /* callbacks, and the thread */
    bool over;    /* the thread is */
    husk_go_callback *late;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all homes; no Go code runs under it */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;

/* ---- homes ---- */

static void drop(husk_go_home *home)
{
    pthread_mutex_lock(&lock);
    bool last = --home->users == 0;
    pthread_mutex_unlock(&lock);
    if (last) {
        husk_ffi_space_free(home->space);
        free(home);
    }
}

static void finish(husk_go_callback *callback)
{
    husk_go_home *home = callback->home;
    husk_ffi_closure_end(callback->closure); /* frees callback, now or when it has returned */
    drop(home);
}

/* On the home's thread. */
static void end_late(husk_go_home *home)
{
    pthread_mutex_lock(&lock);
    husk_go_callback *first = home->late;
    home->late = NULL;
    pthread_mutex_unlock(&lock);
    while (first) {
        husk_go_callback *next = first->later;
        finish(first);
        first = next;
    }
}

static void thread_over(void *data)
{
    husk_go_home *home = data;
    end_late(home);
    pthread_mutex_lock(&lock);
    home->over = true;
    pthread_mutex_unlock(&lock);
    end_late(home); /* what came between */
    drop(home);
}

static void make_key(void)
{
    has_key = pthread_key_create(&key, thread_over) == 0;
}

/* On any thread, and also when the home is gone. */
static void heard(const husk_ffi_report *report, void *none)
{
    (void)none;
    huskGoFfiReport(report->status, (char *)(uintptr_t)report->text);
}

static husk_go_home *home_get(void)
{
    pthread_once(&once, make_key);
    husk_go_home *home = has_key ? pthread_getspecific(key) : NULL;
    if (home || !has_key)
        return home;
    home = calloc(1, sizeof *home);
    if (!home)
        return NULL;
    home->thread = pthread_self();
    home->users = 1;
    if (husk_ffi_space_new(&home->space) != HUSK_OK || pthread_setspecific(key, home) != 0) {
        husk_ffi_space_free(home->space);
        free(home);
        return NULL;
    }
    husk_ffi_space_on_report(home->space, heard, NULL, NULL);
    husk_ffi_space_on_report_elsewhere(home->space, heard, NULL);
    return home;
}

/* ---- callbacks ---- */

static void called(void *data, void *const *args, size_t count, void *result)
{
    husk_go_callback *callback = data;
    if (!huskGoFfiCalled(callback, callback->id, (void **)(uintptr_t)args, count, result))
        husk_ffi_closure_report(callback->closure, HUSK_ESTATE, "called after its end, answered with zero");
}

static husk_status check(const husk_ffi_type *type)
{
    if (husk_ffi_type_kind(type) != HUSK_FFI_FUNCTION)
        return husk_fail(HUSK_EINVAL, "a function type expected, as in int(ptr,ptr)");
    husk_ffi_kind result = husk_ffi_type_kind(husk_ffi_type_result(type));
    if (result == HUSK_FFI_STR)
        return husk_fail(HUSK_EINVAL, "nobody would own the bytes of a str result: say ptr, and keep them");
    bool refs = result == HUSK_FFI_REF;
    for (size_t i = 0; i < husk_ffi_type_count(type); i++)
        refs = refs || husk_ffi_type_kind(husk_ffi_type_param(type, i)) == HUSK_FFI_REF;
    return refs ? husk_fail(HUSK_EINVAL, "a ref does not say of which heap it is: callbacks of Go take ptr")
                : HUSK_OK;
}

husk_status husk_go_callback_new(const char *signature, const char *name, uintptr_t id,
                                 husk_go_callback **out)
{
    husk_go_home *home = home_get();
    husk_go_callback *callback = home ? calloc(1, sizeof *callback) : NULL;
    if (!callback)
        return husk_fail(HUSK_ENOMEM, "no memory for a callback");
    end_late(home);
    husk_status status = husk_ffi_parse(home->space, signature, &callback->type);
    if (status == HUSK_OK && husk_ffi_type_kind(callback->type) == HUSK_FFI_POINTER)
        callback->type = husk_ffi_type_element(callback->type);
    if (status == HUSK_OK)
        status = check(callback->type);
    callback->id = id;
    callback->home = home;
    if (status == HUSK_OK)
        status = husk_ffi_closure_new(home->space, callback->type, name, called, callback, free,
                                      &callback->closure, &callback->code);
    if (status != HUSK_OK) {
        free(callback);
        return status;
    }
    pthread_mutex_lock(&lock);
    home->users++;
    pthread_mutex_unlock(&lock);
    *out = callback;
    return HUSK_OK;
}

void husk_go_callback_end(husk_go_callback *callback)
{
    husk_go_home *home = callback->home;
    pthread_mutex_lock(&lock);
    bool now = home->over || pthread_equal(home->thread, pthread_self());
    if (!now) {
        callback->later = home->late;
        home->late = callback;
    }
    pthread_mutex_unlock(&lock);
    if (now)
        finish(callback);
}
