/* bindings/python/errors.i: a failed call raises the exception of its status (host_errors.c). Leaving the heap
 * drops values of Python and so may run any code; the results of a call are plain by then. */
%{
#include "host.h"

#define SWIG_Python_UnpackTuple husk_py_unpack
%}

%define HUSK_ENTER(heap) husk_py_heap *home = husk_py_enter(heap); %enddef
%define HUSK_LEAVE(heap) (void)home; husk_py_leave(); %enddef
%define HUSK_RAISE(status, heap)
  husk_py_raise(home, status);
  SWIG_fail;
%enddef
