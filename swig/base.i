/* swig/base.i: the handles, and the macros by which a declaration says who owns what and how it fails.
 *
 * Nothing in this folder knows a language. A language's <lang>.i includes its errors.i and typemaps.i before
 * husk.i; errors.i defines
 *   HUSK_ENTER(heap)           before a call that may run hooks, or fail
 *   HUSK_LEAVE(heap)           after it
 *   HUSK_RAISE(status, heap)   raises the status with the heap's message; leaves the wrapper
 *   HUSK_GIVE(result)          if it likes: what it does with a reference before handing it to the script
 * Names stand before the first declaration of their struct: a later %rename is ignored. Methods are declared
 * in %extend without a body, so they bind husk_<noun>_<verb> themselves: a function whose noun is the struct
 * of its first argument is a method, any other is flat (tests/lint compares all of them with the headers).
 *
 * Which macro a function has comes from the ownership word at its declaration (ownership.i, generated); only
 * HUSK_ENDS is written by hand, since no word says that a call may run hooks. What no script can call stands in
 * HUSK_HOST below the reason: a language's host code has it, or nobody. In arguments, what `out`, `key`
 * and `v` point to is lent: a typemap retains what it hands out. */
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

#ifndef HUSK_GIVE
%define HUSK_GIVE(result)
%enddef
#endif

/* HUSK_NEW: a reference of the caller's. NULL is a failure, and the heap has the reason. */
%define HUSK_MAKES(fn, heap)
%newobject fn;
%exception fn {
  HUSK_ENTER(heap)
  $action
  if (!result) {
    HUSK_RAISE(husk_heap_failure(heap), heap)
  }
  HUSK_GIVE(result)
  HUSK_LEAVE(heap)
}
%enddef

/* HUSK_NEW HUSK_NULLABLE: the same, or NULL as an ordinary answer. */
%define HUSK_FINDS(fn, heap)
%newobject fn;
%exception fn {
  HUSK_ENTER(heap)
  $action
  HUSK_GIVE(result)
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

/* HUSK_BORROWED, for a handle: how long it is valid no script can know. HUSK_TAKES: a script's wrapper cannot
 * give its reference away. Both belong to a language's host code. */
%define HUSK_LENDS(fn)
%ignore fn;
%enddef
%define HUSK_EATS(fn)
%ignore fn;
%enddef

/* Not wrapped; the comment above says why. */
%define HUSK_HOST(fn)
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
