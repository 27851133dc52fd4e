/* swig/base.i: the handles, and the two macros by which a declaration says how it fails.
 *
 * Nothing in this folder knows a language. A language's <lang>.i includes its errors.i and typemaps.i before
 * husk.i; errors.i defines
 *   HUSK_ENTER(heap)           before a call that may run hooks, or fail
 *   HUSK_LEAVE(heap)           after it
 *   HUSK_RAISE(status, heap)   raises the status with the heap's message; leaves the wrapper
 * Names stand before the first declaration of their struct: a later %rename is ignored. Methods are declared
 * in %extend without a body, so they bind husk_<noun>_<verb> themselves. */
%{
#include <husk.h>
%}

%nodefaultctor;
%nodefaultdtor;

%rename("Heap") husk_heap;
%rename("Type") husk_type;
%rename("Obj") husk_obj;
%rename("Weak") husk_weak;

/* Opaque in C, classes to a language. */
typedef struct husk_heap {} husk_heap;
typedef struct husk_type {} husk_type;
typedef struct husk_obj {} husk_obj;
typedef struct husk_weak {} husk_weak;

/* Hands out a reference of the caller's, or NULL: that is an error only if the heap has a failure. */
%define HUSK_MAKES(fn, heap)
%newobject fn;
%exception fn {
  HUSK_ENTER(heap)
  husk_heap_clear_failure(heap);
  $action
  if (!result && husk_heap_failure(heap)) {
    HUSK_RAISE(husk_heap_failure(heap), heap)
  }
  HUSK_LEAVE(heap)
}
%enddef

/* Returns a status, which becomes an exception. */
%define HUSK_DOES(fn, heap)
%exception fn {
  HUSK_ENTER(heap)
  $action
  if (result != HUSK_OK) {
    HUSK_RAISE(result, heap)
  }
  HUSK_LEAVE(heap)
}
%enddef

/* Returns nothing or a plain answer, but may end objects and so run hooks. */
%define HUSK_ENDS(fn, heap)
%exception fn {
  HUSK_ENTER(heap)
  $action
  HUSK_LEAVE(heap)
}
%enddef

%rename("version") husk_version;
const char *husk_version(void);
