/* memory.h: where all memory of the library comes from: counted, and refused when a test says so. Any
 * thread. */
#ifndef HUSK_FFI_SRC_MEMORY_H
#define HUSK_FFI_SRC_MEMORY_H

#include <husk/ffi.h>

/* Counts a request; true if it is to be refused. For memory that comes from elsewhere (libffi's). */
bool husk__ffi_refused(void);

/* Zeroed bytes, or NULL with the failure noted. The size is given back with the memory: no header is kept. */
void *husk__ffi_new(size_t bytes);
void husk__ffi_free(void *old, size_t bytes);

/* Notes HUSK_ENOMEM and returns it. */
husk_status husk__ffi_no_memory(void);

#endif
