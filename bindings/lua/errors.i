/* bindings/lua/errors.i: a failed call raises a table {code=, status=, message=, where=} with __tostring. The
 * error value is pushed before anything else is done with the heap: pushing copies the heap's message, and
 * any later Lua call may run a __gc that uses the heap. */
%{
#include "host.h"

#undef SWIG_check_num_args
#define SWIG_check_num_args(name, least, most)                                                               \
  if (lua_gettop(L) < (least) || lua_gettop(L) > (most)) {                                                   \
    husk_lua_push_arg_count(L, name, least, most);                                                           \
    goto fail;                                                                                               \
  }
#undef SWIG_fail_arg
#define SWIG_fail_arg(name, at, expected)                                                                    \
  {                                                                                                          \
    husk_lua_push_arg_error(L, name, at, expected);                                                          \
    goto fail;                                                                                               \
  }
%}

%define HUSK_ENTER(heap) husk_lua_host *host = husk_lua_enter(L, heap); %enddef
%define HUSK_LEAVE(heap) husk_lua_leave(L, host); %enddef
%define HUSK_RAISE(status, heap)
  husk_lua_push_status(L, heap, status);
  husk_lua_leave(L, host);
  SWIG_fail;
%enddef
