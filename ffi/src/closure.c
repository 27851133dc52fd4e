/* closure.c: C function pointers made from a function and its data. Most are entered through a function of ours
 * (thunk.c), the others through libffi's code.
 *
 *   alive --end--> dead, in quarantine --HUSK_FFI_QUARANTINE later ends--> gone
 *     '--end while it runs--> dead at once, into quarantine when the outermost run returns
 *
 * What C may still call after the end must not be memory of somebody else, so code is kept for a while. A
 * dead closure holds its space, since libffi reads the forms of its types. */
#include "closure.h"

#include "form.h"
#include "memory.h"
#include "report.h"
#include "thunk.h"

#include <stdio.h>
#include <string.h>

/* ---- dead code ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static husk_ffi_closure *oldest, *newest;
static size_t quarantined;

static void forget(husk_ffi_closure *closure)
{
    husk_ffi_space *space = closure->space;
    if (closure->owner)
        husk__ffi_thunk_give(closure);
    else
        ffi_closure_free(closure->writable);
    husk__ffi_free(closure, closure->bytes);
    husk__ffi_space_drop(space);
}

static husk_ffi_closure *take_oldest(size_t beyond)
{
    pthread_mutex_lock(&lock);
    husk_ffi_closure *closure = NULL;
    if (quarantined > beyond) {
        closure = oldest;
        oldest = closure->later;
        if (!oldest)
            newest = NULL;
        quarantined--;
    }
    pthread_mutex_unlock(&lock);
    return closure;
}

static void give_back(size_t beyond)
{
    for (husk_ffi_closure *closure; (closure = take_oldest(beyond));)
        forget(closure);
}

void husk__ffi_closure_finish(husk_ffi_closure *closure)
{
    if (closure->data_free)
        closure->data_free(closure->data);
    closure->data_free = NULL;
    closure->data = NULL;
    pthread_mutex_lock(&lock);
    if (newest)
        newest->later = closure;
    else
        oldest = closure;
    newest = closure;
    quarantined++;
    pthread_mutex_unlock(&lock);
    give_back(HUSK_FFI_QUARANTINE);
}

void husk_ffi_quarantine_empty(void)
{
    give_back(0);
}

/* ---- being called ---- */

/* libffi wants integers as wide as ffi_arg, sign or zero in the upper part. */
static void widen(unsigned code, void *result, const void *value)
{
    switch (code) {
    case CODE_VOID:
        break;
    case CODE_I8:
        *(ffi_sarg *)result = (ffi_sarg)(*(const int8_t *)value);
        break;
    case CODE_U8:
        *(ffi_arg *)result = *(const uint8_t *)value;
        break;
    case CODE_I16:
        *(ffi_sarg *)result = (ffi_sarg)(*(const int16_t *)value);
        break;
    case CODE_U16:
        *(ffi_arg *)result = *(const uint16_t *)value;
        break;
    case CODE_I32:
        *(ffi_sarg *)result = (ffi_sarg)(*(const int32_t *)value);
        break;
    case CODE_U32:
        *(ffi_arg *)result = *(const uint32_t *)value;
        break;
    case CODE_F32:
        *(float *)result = *(const float *)value;
        break;
    default: /* 8 bytes, or a pointer */
        memcpy(result, value, sizeof(uint64_t));
        break;
    }
}

void husk__ffi_closure_refuse(husk_ffi_closure *closure)
{
    if (atomic_load_explicit(&closure->state, memory_order_acquire) & CLOSURE_DEAD)
        husk_ffi_closure_report(closure, HUSK_ESTATE, "called after its end, answered with zero");
    else
        husk_ffi_closure_report(closure, HUSK_EBUSY,
                                "called on another thread than its maker's, answered with zero");
}

static void answer_zero(const husk_ffi_closure *closure, void *result)
{
    static const uint64_t zero;
    if (closure->result_code == CODE_OTHER)
        memset(result, 0, closure->result_size);
    else
        widen(closure->result_code, result, &zero);
}

static void enter(ffi_cif *cif, void *result, void **args, void *data)
{
    husk_ffi_closure *closure = data;
    (void)cif;
    if (!husk__ffi_closure_begin(closure)) {
        answer_zero(closure, result);
        husk__ffi_closure_refuse(closure);
        return;
    }
    if (closure->result_code == CODE_OTHER) {
        memset(result, 0, closure->result_size);
        closure->fn(closure->data, args, closure->count, result);
    } else {
        uint64_t value = 0;
        closure->fn(closure->data, args, closure->count, &value);
        widen(closure->result_code, result, &value);
    }
    husk__ffi_closure_leave(closure);
}

/* ---- made and ended ---- */

static husk_status prepare(husk_ffi_closure *closure, const husk_ffi_type *function)
{
    ffi_type *result;
    husk_status status = husk__ffi_forms(closure->space, function, &result, closure->forms);
    if (status != HUSK_OK)
        return status;
    if (husk__ffi_thunk_take(closure, function))
        return HUSK_OK;
    if (ffi_prep_cif(&closure->cif, FFI_DEFAULT_ABI, (unsigned)function->count, result, closure->forms) !=
        FFI_OK)
        return husk_fail(HUSK_EINVAL, "libffi makes no closure of %s", husk__ffi_words_of(function).text);
    closure->writable = husk__ffi_refused() ? NULL : ffi_closure_alloc(sizeof(ffi_closure), &closure->code);
    if (!closure->writable)
        return husk_fail(HUSK_ENOMEM, "the system gives no executable memory for a callback");
    if (ffi_prep_closure_loc(closure->writable, &closure->cif, enter, closure, closure->code) != FFI_OK) {
        ffi_closure_free(closure->writable);
        return husk_fail(HUSK_EINVAL, "libffi makes no closure of %s", husk__ffi_words_of(function).text);
    }
    return HUSK_OK;
}

husk_status husk_ffi_closure_new(husk_ffi_space *space, const husk_ffi_type *function, const char *name,
                                 husk_ffi_closure_fn *fn, void *data, husk_free_fn *data_free,
                                 husk_ffi_closure **out, void **code)
{
    *out = NULL;
    *code = NULL;
    husk_status status = husk__ffi_check_own(space, function);
    if (status != HUSK_OK)
        return status;
    if (function->kind != HUSK_FFI_FUNCTION)
        return husk_fail(HUSK_EINVAL, "%s is no function type", husk__ffi_words_of(function).text);
    if (function->variadic)
        return husk_fail(HUSK_EINVAL, "%s is variadic: a callback has a fixed number of arguments",
                         husk__ffi_words_of(function).text);
    size_t bytes = sizeof(husk_ffi_closure) + function->count * sizeof(ffi_type *);
    husk_ffi_closure *closure = husk__ffi_new(bytes);
    if (!closure)
        return HUSK_ENOMEM;
    closure->bytes = bytes;
    closure->space = space;
    closure->thread = husk__ffi_thread();
    closure->fn = fn;
    closure->count = function->count;
    closure->result_size = function->element->size;
    closure->result_code = (uint8_t)husk__ffi_code_of(function->element);
    closure->function = function;
    if (name)
        snprintf(closure->name, sizeof closure->name, "%s", name);
    status = prepare(closure, function);
    if (status != HUSK_OK) {
        husk__ffi_free(closure, bytes);
        return status;
    }
    husk__ffi_space_retain(space);
    closure->data = data;
    closure->data_free = data_free;
    *out = closure;
    *code = closure->code;
    return HUSK_OK;
}

void husk_ffi_closure_end(husk_ffi_closure *closure)
{
    if (closure && atomic_fetch_or_explicit(&closure->state, CLOSURE_DEAD, memory_order_acq_rel) == 0)
        husk__ffi_closure_finish(closure);
}

void *husk_ffi_closure_code(const husk_ffi_closure *closure)
{
    return closure->code;
}

void husk_ffi_closure_report(husk_ffi_closure *closure, husk_status status, const char *text)
{
    char line[sizeof((husk_ffi_report *)0)->text];
    const char *quote = *closure->name ? "\"" : "";
    snprintf(line, sizeof line, "callback %s%s%s%s%s: %s", quote, closure->name, quote, *quote ? " " : "",
             husk__ffi_words_of(closure->function).text, text);
    husk__ffi_report(closure->space, status, line);
}
