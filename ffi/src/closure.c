/* closure.c: C function pointers made from a function and its data.
 *
 *   alive --end--> dead, in quarantine --HUSK_FFI_QUARANTINE later ends--> gone
 *     '--end while it runs--> dead at once, into quarantine when the outermost run returns
 *
 * What C may still call after the end must not be memory of somebody else, so code is kept for a while. A
 * dead closure holds its space, since libffi reads the forms of its types. */
#include "call.h"
#include "form.h"
#include "memory.h"
#include "report.h"

#include <stdio.h>
#include <string.h>

struct husk_ffi_closure {
    atomic_uint state; /* DEAD, and how many runs there are, one in the other */
    uint64_t thread;   /* of the maker, the only one that it runs on */
    husk_ffi_closure_fn *fn;
    void *data;
    husk_free_fn *data_free;
    size_t count;
    size_t result_size;
    uint8_t result_code; /* enum husk__ffi_code */
    husk_ffi_space *space;
    void *writable; /* libffi's */
    void *code;
    size_t bytes;            /* of this block, forms included */
    husk_ffi_closure *later; /* in quarantine */
    ffi_cif cif;
    char label[192]; /* made before anything can go wrong */
    ffi_type *forms[];
};

/* The last run and the end may come at once, from two threads: whoever makes the word DEAD alone finishes. A run
 * that began too late adds itself, finds DEAD, and leaves without a claim. */
#define DEAD 0x80000000u

/* ---- dead code ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static husk_ffi_closure *oldest, *newest;
static size_t quarantined;

static void forget(husk_ffi_closure *closure)
{
    husk_ffi_space *space = closure->space;
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

/* Dead, and not running: data ends, the code waits. */
static void finish(husk_ffi_closure *closure)
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

static void refuse(husk_ffi_closure *closure, void *result, husk_status status, const char *why)
{
    static const uint64_t zero;
    if (closure->result_code == CODE_OTHER)
        memset(result, 0, closure->result_size);
    else
        widen(closure->result_code, result, &zero);
    husk_ffi_closure_report(closure, status, why);
}

/* False: it is not to run, and zero has been answered. */
static bool begin(husk_ffi_closure *closure, void *result)
{
    if (atomic_load_explicit(&closure->state, memory_order_acquire) & DEAD) {
        refuse(closure, result, HUSK_ESTATE, "called after its end, answered with zero");
        return false;
    }
    if (closure->thread != husk__ffi_thread()) {
        refuse(closure, result, HUSK_EBUSY, "called on another thread than its maker's, answered with zero");
        return false;
    }
    if (atomic_fetch_add_explicit(&closure->state, 1, memory_order_acq_rel) & DEAD) {
        atomic_fetch_sub_explicit(&closure->state, 1, memory_order_release);
        refuse(closure, result, HUSK_ESTATE, "called after its end, answered with zero");
        return false;
    }
    return true;
}

static void leave(husk_ffi_closure *closure)
{
    if (atomic_fetch_sub_explicit(&closure->state, 1, memory_order_acq_rel) == (DEAD | 1))
        finish(closure);
}

static void enter(ffi_cif *cif, void *result, void **args, void *data)
{
    husk_ffi_closure *closure = data;
    (void)cif;
    if (!begin(closure, result))
        return;
    if (closure->result_code == CODE_OTHER) {
        memset(result, 0, closure->result_size);
        closure->fn(closure->data, args, closure->count, result);
    } else {
        uint64_t value = 0;
        closure->fn(closure->data, args, closure->count, &value);
        widen(closure->result_code, result, &value);
    }
    leave(closure);
}

/* ---- made and ended ---- */

static husk_status prepare(husk_ffi_closure *closure, const husk_ffi_type *function)
{
    ffi_type *result;
    husk_status status = husk__ffi_forms(closure->space, function, &result, closure->forms);
    if (status != HUSK_OK)
        return status;
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
    snprintf(closure->label, sizeof closure->label, "callback %s%.64s%s%s", name ? "\"" : "",
             name ? name : "", name ? "\" " : "", husk__ffi_words_of(function).text);
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
    if (closure && atomic_fetch_or_explicit(&closure->state, DEAD, memory_order_acq_rel) == 0)
        finish(closure);
}

void *husk_ffi_closure_code(const husk_ffi_closure *closure)
{
    return closure->code;
}

void husk_ffi_closure_report(husk_ffi_closure *closure, husk_status status, const char *text)
{
    char line[sizeof((husk_ffi_report *)0)->text];
    snprintf(line, sizeof line, "%s: %s", closure->label, text);
    husk__ffi_report(closure->space, status, line);
}
