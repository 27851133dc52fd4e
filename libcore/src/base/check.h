/* base/check.h: assertions in tiers, and the branch hints.
 *
 * CHECK is for debug builds and costs what it costs; ALWAYS stays in every build and guards what would
 * otherwise destroy memory silently (a release too many). Both stop the process with one line. */
#ifndef HUSK_BASE_CHECK_H
#define HUSK_BASE_CHECK_H

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define NEVER_INLINE __attribute__((noinline, cold))

/* Prints "husk: <text>" on stderr and aborts. */
_Noreturn void husk__fatal(const char *format, ...) __attribute__((format(printf, 1, 2), cold));

#define ALWAYS(condition, ...)                                                                               \
    do {                                                                                                     \
        if (UNLIKELY(!(condition)))                                                                          \
            husk__fatal(__VA_ARGS__);                                                                        \
    } while (0)

#ifdef NDEBUG
#define CHECK(condition) ((void)0)
#else
#define CHECK(condition) ALWAYS(condition, "%s:%d: invariant broken: %s", __FILE__, __LINE__, #condition)
#endif

#endif
