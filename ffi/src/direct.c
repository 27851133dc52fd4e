/* direct.c: calls without libffi, where the calling convention allows it.
 *
 * In the System V convention of x86-64 and in that of AArch64, integers and pointers go through one sequence
 * of registers and floating point through another, each counted for itself; the caller cleans up, and
 * registers that the function does not expect are nobody's. So one C function type with six integers and
 * eight doubles calls every function that has no more of either, in whatever order they are mixed, and no
 * stack is touched. Narrow integers go extended to 64 bits, an f32 in the lower half of its register, which
 * is where the function looks for it. ISO C does not know this, the conventions say it, and tests/ffi calls
 * all shapes both ways. Variadic functions and structs go through libffi. */
#include "call.h"

#include <errno.h>
#include <string.h>

#if (defined(__x86_64__) && !defined(_WIN32)) || defined(__aarch64__)
#define DIRECT (sizeof(void *) == 8)
#else
#define DIRECT false
#endif

enum { INTEGERS = 6, DOUBLES = 8 };

static inline uint64_t load(unsigned code, const void *at)
{
    switch (code) {
    case CODE_I8:
        return (uint64_t)(*(const int8_t *)at);
    case CODE_U8:
        return *(const uint8_t *)at;
    case CODE_I16:
        return (uint64_t)(*(const int16_t *)at);
    case CODE_U16:
        return *(const uint16_t *)at;
    case CODE_I32:
        return (uint64_t)(*(const int32_t *)at);
    case CODE_U32:
    case CODE_F32:
        return *(const uint32_t *)at;
    default:
        return *(const uint64_t *)at;
    }
}

static inline void store(unsigned code, void *at, uint64_t value)
{
    switch (code) {
    case CODE_VOID:
        break;
    case CODE_I8:
    case CODE_U8:
        *(uint8_t *)at = (uint8_t)value;
        break;
    case CODE_I16:
    case CODE_U16:
        *(uint16_t *)at = (uint16_t)value;
        break;
    case CODE_I32:
    case CODE_U32:
        *(uint32_t *)at = (uint32_t)value;
        break;
    default:
        *(uint64_t *)at = value;
        break;
    }
}

typedef uint64_t few_fn(uint64_t, uint64_t);
typedef uint64_t integers_fn(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
#define ALL                                                                                                  \
    uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, double, double, double, double, double,      \
        double, double, double
typedef uint64_t to_integer_fn(ALL);
typedef double to_double_fn(ALL);
typedef float to_float_fn(ALL);

/* At most two integers, integer result: most of C. */
static void few(const husk_ffi_call *call, void *result, void *const *args)
{
    uint64_t a = call->count > 0 ? load(call->codes[0], args[0]) : 0;
    uint64_t b = call->count > 1 ? load(call->codes[1], args[1]) : 0;
    store(call->result_code, result, ((few_fn *)call->address)(a, b));
}

static void integers(const husk_ffi_call *call, void *result, void *const *args)
{
    uint64_t in[INTEGERS] = { 0 };
    for (size_t i = 0; i < call->count; i++)
        in[i] = load(call->codes[i], args[i]);
    store(call->result_code, result,
          ((integers_fn *)call->address)(in[0], in[1], in[2], in[3], in[4], in[5]));
}

struct registers {
    uint64_t in[INTEGERS];
    double fp[DOUBLES];
};

static inline void fill(struct registers *r, const husk_ffi_call *call, void *const *args)
{
    size_t in = 0;
    size_t fp = 0;
    for (size_t i = 0; i < call->count; i++) {
        unsigned code = call->codes[i];
        uint64_t bits = load(code, args[i]);
        if (code == CODE_F32 || code == CODE_F64)
            memcpy(&r->fp[fp++], &bits, sizeof bits);
        else
            r->in[in++] = bits;
    }
}

#define PASS(r)                                                                                              \
    (r).in[0], (r).in[1], (r).in[2], (r).in[3], (r).in[4], (r).in[5], (r).fp[0], (r).fp[1], (r).fp[2],       \
        (r).fp[3], (r).fp[4], (r).fp[5], (r).fp[6], (r).fp[7]

static void to_integer(const husk_ffi_call *call, void *result, void *const *args)
{
    struct registers r = { { 0 }, { 0 } };
    fill(&r, call, args);
    store(call->result_code, result, ((to_integer_fn *)call->address)(PASS(r)));
}

static void to_double(const husk_ffi_call *call, void *result, void *const *args)
{
    struct registers r = { { 0 }, { 0 } };
    fill(&r, call, args);
    *(double *)result = ((to_double_fn *)call->address)(PASS(r));
}

static void to_float(const husk_ffi_call *call, void *result, void *const *args)
{
    struct registers r = { { 0 }, { 0 } };
    fill(&r, call, args);
    *(float *)result = ((to_float_fn *)call->address)(PASS(r));
}

husk__ffi_route_fn *husk__ffi_direct(const husk_ffi_call *call)
{
    size_t in = 0;
    size_t fp = 0;
    for (size_t i = 0; i < call->count; i++) {
        unsigned code = call->codes[i];
        if (code == CODE_OTHER)
            return NULL;
        if (code == CODE_F32 || code == CODE_F64)
            fp++;
        else
            in++;
    }
    if (!DIRECT || in > INTEGERS || fp > DOUBLES || call->result_code == CODE_OTHER)
        return NULL;
    if (call->result_code == CODE_F64)
        return to_double;
    if (call->result_code == CODE_F32)
        return to_float;
    return fp ? to_integer : in <= 2 ? few : integers;
}

/* ---- calls of one sort of values ---- */

typedef double two_doubles_fn(double, double);

husk_ffi_shape husk_ffi_call_shape(const husk_ffi_call *call)
{
    if (call->route == few || call->route == integers)
        return HUSK_FFI_WORDS;
    bool doubles = call->route == to_double;
    for (size_t i = 0; i < call->count; i++)
        doubles = doubles && call->codes[i] == CODE_F64;
    return doubles ? HUSK_FFI_DOUBLES : HUSK_FFI_MIXED;
}

uint64_t husk_ffi_call_words(const husk_ffi_call *call, const uint64_t *words)
{
    errno = 0;
    uint64_t result = call->count <= 2 ? ((few_fn *)call->address)(words[0], words[1])
                                       : ((integers_fn *)call->address)(words[0], words[1], words[2],
                                                                        words[3], words[4], words[5]);
    husk__ffi_last_errno = errno;
    return result;
}

double husk_ffi_call_doubles(const husk_ffi_call *call, const double *d)
{
    errno = 0;
    double result = call->count <= 2 ? ((two_doubles_fn *)call->address)(d[0], d[1])
                                     : ((to_double_fn *)call->address)(0, 0, 0, 0, 0, 0, d[0], d[1], d[2],
                                                                       d[3], d[4], d[5], d[6], d[7]);
    husk__ffi_last_errno = errno;
    return result;
}
