/* tests/ffi/random_types.h: random structs and signatures, as C and in our grammar. */
#ifndef HUSK_TESTS_FFI_RANDOM_TYPES_H
#define HUSK_TESTS_FFI_RANDOM_TYPES_H

#include <stdbool.h>
#include <stddef.h>

enum { RANDOM_FIELDS = 8, RANDOM_PARAMS = 16 };

/* Writes the C source of so many structs and functions. */
bool random_types_write(const char *path, unsigned long seed, size_t structs, size_t functions);
void random_types_free(void);

/* Below limit, from the same sequence. */
unsigned random_below(unsigned limit);

/* Of struct n: its body in the grammar; its named members, those of members too, each as C finds it
 * ("f1[0].f2"); and the struct that is passed beside it. */
const char *random_struct_text(size_t n);
size_t random_struct_names(size_t n);
const char *random_struct_path(size_t n, size_t index);
size_t random_partner(size_t n);

/* Of function n: its type in the grammar. */
const char *random_function_text(size_t n);

#endif
