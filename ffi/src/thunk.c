/* thunk.c: callbacks without libffi and without executable memory, where the calling convention allows it.
 *
 *   C --> ints_0x02a(a, b, ...) --> enter_ints(a, b, ..., 0x02a) --> owners[0x02a], a closure --> its function
 *
 * What direct.c says of registers holds for being called too: a function that takes five integers (and eight doubles)
 * can stand for every function that has no more of either, in whatever order they are mixed; registers that the caller
 * did not fill are nobody's. A thunk is such a function and knows nothing but its number, which goes along as the sixth
 * integer: two instructions and a jump. There are as many as are written below; who finds the stock empty (closures in
 * quarantine hold theirs) has libffi's code.
 *
 * Where the compiler was not told to end functions in jumps, it is a call more, and right all the same. */
#include "thunk.h"

#include <stdio.h>
#include <string.h>

#if ((defined(__x86_64__) && !defined(_WIN32)) || defined(__aarch64__)) &&                                   \
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define DIRECT (sizeof(void *) == 8)
#else
#define DIRECT false
#endif

enum { INTEGERS = 5, DOUBLES = 8, INTS = 512, MIXED = 288 };

/* What the narrow values need of registers: their low bytes are where memory has them, byte order above. */
typedef struct registers {
    uint64_t in[INTEGERS];
    double fp[DOUBLES];
} registers;

_Static_assert(HUSK__FFI_THUNK_PARAMS == INTEGERS + DOUBLES, "each may be an argument");

/* A stock of one shape. */
typedef struct stock {
    size_t size, next; /* next: where to look first, so that the one given back last comes last */
    husk_ffi_closure *_Atomic *owners; /* NULL: free */
    void (*const *code)(void);
} stock;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static husk_ffi_closure *_Atomic owners_ints[INTS], *_Atomic owners_words[MIXED],
    *_Atomic owners_doubles[MIXED];

/* The closure of a thunk that may run. */
static inline husk_ffi_closure *begin(husk_ffi_closure *_Atomic *owner)
{
    husk_ffi_closure *closure = atomic_load_explicit(owner, memory_order_acquire);
    if (closure && husk__ffi_closure_begin(closure))
        return closure;
    if (closure)
        husk__ffi_closure_refuse(closure);
    else
        fprintf(stderr, "husk: a callback was called long after its end, answered with zero\n");
    return NULL;
}

static inline void run(husk_ffi_closure *closure, registers *r, void *result)
{
    void *args[INTEGERS + DOUBLES];
    for (size_t i = 0; i < closure->count; i++)
        args[i] = (char *)r + closure->places[i];
    closure->fn(closure->data, args, closure->count, result);
    husk__ffi_closure_leave(closure);
}

#define INS uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e
#define FPS double s, double t, double u, double v, double w, double x, double y, double z

static uint64_t enter_ints(INS, uint64_t number)
{
    husk_ffi_closure *closure = begin(&owners_ints[number]);
    if (!closure)
        return 0;
    uint64_t in[INTEGERS] = { a, b, c, d, e }, result = 0;
    void *args[INTEGERS] = { &in[0], &in[1], &in[2], &in[3], &in[4] };
    closure->fn(closure->data, args, closure->count, &result);
    husk__ffi_closure_leave(closure);
    return result;
}

static uint64_t enter_words(INS, uint64_t number, FPS)
{
    registers r = { { a, b, c, d, e }, { s, t, u, v, w, x, y, z } };
    husk_ffi_closure *closure = begin(&owners_words[number]);
    uint64_t result = 0;
    if (closure)
        run(closure, &r, &result);
    return result;
}

static double enter_doubles(INS, uint64_t number, FPS)
{
    registers r = { { a, b, c, d, e }, { s, t, u, v, w, x, y, z } };
    husk_ffi_closure *closure = begin(&owners_doubles[number]);
    double result = 0;
    if (closure)
        run(closure, &r, &result);
    return result;
}

/* ---- the stocks: a function for each number ---- */

_Static_assert(INTS > (int)HUSK_FFI_QUARANTINE && MIXED > (int)HUSK_FFI_QUARANTINE,
               "dead ones leave some for the living");

/* clang-format off */
#define SIXTEEN(F, n)                                                                                        \
    F(n##0)                                                                                                  \
    F(n##1) F(n##2) F(n##3) F(n##4) F(n##5) F(n##6) F(n##7) F(n##8) F(n##9) F(n##a) F(n##b) F(n##c) F(n##d)  \
        F(n##e) F(n##f)
#define PAGE(F, n)                                                                                           \
    SIXTEEN(F, n##0)                                                                                         \
    SIXTEEN(F, n##1) SIXTEEN(F, n##2) SIXTEEN(F, n##3) SIXTEEN(F, n##4) SIXTEEN(F, n##5) SIXTEEN(F, n##6)    \
        SIXTEEN(F, n##7) SIXTEEN(F, n##8) SIXTEEN(F, n##9) SIXTEEN(F, n##a) SIXTEEN(F, n##b)                 \
            SIXTEEN(F, n##c) SIXTEEN(F, n##d) SIXTEEN(F, n##e) SIXTEEN(F, n##f)
#define ALL_INTS(F) PAGE(F, 0x0) PAGE(F, 0x1)
#define ALL_MIXED(F) PAGE(F, 0x0) SIXTEEN(F, 0x10) SIXTEEN(F, 0x11)

#define INTS_THUNK(n)                                                                                        \
    static uint64_t ints_##n(INS)                                                                            \
    {                                                                                                        \
        return enter_ints(a, b, c, d, e, n);                                                                 \
    }
#define WORDS_THUNK(n)                                                                                       \
    static uint64_t words_##n(INS, uint64_t f, FPS)                                                          \
    {                                                                                                        \
        (void)f;                                                                                             \
        return enter_words(a, b, c, d, e, n, s, t, u, v, w, x, y, z);                                        \
    }
#define DOUBLES_THUNK(n)                                                                                     \
    static double doubles_##n(INS, uint64_t f, FPS)                                                          \
    {                                                                                                        \
        (void)f;                                                                                             \
        return enter_doubles(a, b, c, d, e, n, s, t, u, v, w, x, y, z);                                      \
    }
ALL_INTS(INTS_THUNK)
ALL_MIXED(WORDS_THUNK)
ALL_MIXED(DOUBLES_THUNK)

#define INTS_CODE(n) (void (*)(void)) ints_##n,
#define WORDS_CODE(n) (void (*)(void)) words_##n,
#define DOUBLES_CODE(n) (void (*)(void)) doubles_##n,
static void (*const code_ints[INTS])(void) = { ALL_INTS(INTS_CODE) };
static void (*const code_words[MIXED])(void) = { ALL_MIXED(WORDS_CODE) };
static void (*const code_doubles[MIXED])(void) = { ALL_MIXED(DOUBLES_CODE) };

/* clang-format on */

static stock stocks[] = {
    { INTS, 0, owners_ints, code_ints },
    { MIXED, 0, owners_words, code_words },
    { MIXED, 0, owners_doubles, code_doubles },
};

/* The stock for a function type, and the places of the arguments; NULL: there is none. */
static stock *stock_of(husk_ffi_closure *closure, const husk_ffi_type *function)
{
    size_t in = 0, fp = 0;
    if (!DIRECT || closure->result_code == CODE_OTHER || closure->result_code == CODE_F32)
        return NULL;
    for (size_t i = 0; i < function->count; i++) {
        unsigned code = husk__ffi_code_of(function->params[i]);
        bool floating = code == CODE_F32 || code == CODE_F64;
        if (code == CODE_OTHER || (floating ? fp == DOUBLES : in == INTEGERS))
            return NULL;
        size_t place = floating ? offsetof(registers, fp) + sizeof(double) * fp++ : sizeof(uint64_t) * in++;
        closure->places[i] = (uint8_t)place;
    }
    return &stocks[closure->result_code == CODE_F64 ? 2 : fp ? 1 : 0];
}

bool husk__ffi_thunk_take(husk_ffi_closure *closure, const husk_ffi_type *function)
{
    stock *from = stock_of(closure, function);
    if (!from)
        return false;
    pthread_mutex_lock(&lock);
    for (size_t tried = 0; tried < from->size && !closure->code; tried++) {
        size_t at = from->next;
        from->next = (from->next + 1) % from->size;
        if (atomic_load_explicit(&from->owners[at], memory_order_relaxed))
            continue;
        closure->owner = &from->owners[at];
        memcpy(&closure->code, &from->code[at],
               sizeof closure->code); /* ISO C converts it to no object pointer */
        atomic_store_explicit(closure->owner, closure, memory_order_release);
    }
    pthread_mutex_unlock(&lock);
    return closure->code != NULL;
}

void husk__ffi_thunk_give(const husk_ffi_closure *closure)
{
    atomic_store_explicit(closure->owner, NULL, memory_order_release);
}
