/* tests/unwind/chain.h: functions that call each other as a script says, with frames of all kinds. Compiled several
 * times with different options (CMakeLists.txt), so that a stack can mix them. Each notes its return address: what
 * an unwinder has to find. */
#ifndef TESTS_CHAIN_H
#define TESTS_CHAIN_H

#include <stddef.h>
#include <stdint.h>

typedef struct chain chain;
typedef uint64_t chain_fn(chain *c, uint64_t a, uint64_t b);

enum { CHAIN_KINDS = 9, CHAIN_ALIGNED = 7, CHAIN_MOST = 60000 };

struct chain {
    chain_fn *const *script; /* what is called next, and so on; ends with the leaf */
    size_t at;
    uintptr_t notes[CHAIN_MOST]; /* return addresses, oldest first */
    size_t noted;
    void *leaf_data;
};

#define CHAIN_NOTE(c) ((c)->notes[(c)->noted++] = (uintptr_t)__builtin_return_address(0))

/* Of each library: CHAIN_KINDS functions. Those from CHAIN_ALIGNED on align their stack by hand: by the frame pointer
 * alone their callers' stack pointer cannot be known. */
extern chain_fn *const chain_tables[], *const chain_pointers[], *const chain_bare[], *const chain_plain[];

#endif
