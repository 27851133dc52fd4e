/* bindings/lua/typemaps.i: how values cross. Integers stay integers (SWIG's own typemaps make floats of them
 * and truncate 1.5); receivers are checked proxies, never raw userdata; figures become tables. Conversions of
 * arguments make no Lua object, so no __gc can run between them and the call. */

%define HUSK_LUA_INTEGER(ctype, least, most, push)
%typemap(in) ctype %{
  { lua_Integer number;
    if (!husk_lua_arg_integer(L, $input, "$symname", least, most, &number)) SWIG_fail;
    $1 = ($1_ltype)number; }
%}
%typemap(out) ctype %{ push(L, $1); SWIG_arg++; %}
%enddef
HUSK_LUA_INTEGER(int, INT_MIN, INT_MAX, lua_pushinteger)
HUSK_LUA_INTEGER(unsigned, 0, UINT_MAX, lua_pushinteger)
HUSK_LUA_INTEGER(uint32_t, 0, UINT32_MAX, lua_pushinteger)
HUSK_LUA_INTEGER(size_t, 0, LUA_MAXINTEGER, husk_lua_push_size)
HUSK_LUA_INTEGER(uint64_t, 0, LUA_MAXINTEGER, husk_lua_push_size)
HUSK_LUA_INTEGER(int64_t, LUA_MININTEGER, LUA_MAXINTEGER, lua_pushinteger)
HUSK_LUA_INTEGER(husk_weak_state, 0, 2, lua_pushinteger)

%typemap(in) bool %{
  if (lua_type(L, $input) != LUA_TBOOLEAN) SWIG_fail_arg("$symname", $input, "boolean")
  $1 = lua_toboolean(L, $input) != 0;
%}
%typemap(out) bool %{ lua_pushboolean(L, $1); SWIG_arg++; %}

/* A status that is a result has been raised by the %exception of its function, if it was one to raise. */
%typemap(in) husk_status = int;
%typemap(out) husk_status ""

%typemap(in) husk_heap *, struct husk_heap *, const husk_heap *, struct husk_heap const * %{
  if (!($1 = husk_lua_arg_heap(L, $input, "$symname"))) SWIG_fail;
%}
%typemap(in) husk_obj *, struct husk_obj *, const husk_obj *, struct husk_obj const * %{
  if (!($1 = husk_lua_arg_obj(L, $input, "$symname"))) SWIG_fail;
%}
%typemap(in) husk_weak *, struct husk_weak *, const husk_weak *, struct husk_weak const * %{
  if (!($1 = husk_lua_arg_weak(L, $input, "$symname"))) SWIG_fail;
%}
%typemap(in) husk_type *, struct husk_type *, const husk_type *, struct husk_type const * %{
  if (!($1 = (husk_type *)husk_lua_arg_type(L, $input, "$symname"))) SWIG_fail;
%}

%define HUSK_LUA_RESULT(ctype, push)
%typemap(in, numinputs=0) ctype *out (ctype filled) %{ memset(&filled, 0, sizeof filled); $1 = &filled; %}
%typemap(argout) ctype *out %{ push(L, $1); SWIG_arg++; %}
%enddef
HUSK_LUA_RESULT(husk_pass, husk_lua_push_pass)
HUSK_LUA_RESULT(husk_counts, husk_lua_push_counts)
HUSK_LUA_RESULT(husk_pacing, husk_lua_push_pacing)
HUSK_LUA_RESULT(husk_generation, husk_lua_push_generation)
HUSK_LUA_RESULT(husk_steps, husk_lua_push_steps)
HUSK_LUA_RESULT(husk_heap_figures, husk_lua_push_figures)

/* What the table leaves out stays as it is. */
%typemap(in) const husk_pacing *pacing (husk_pacing wanted) %{
  husk_heap_get_pacing(arg1, &wanted);
  if (!husk_lua_arg_pacing(L, $input, "$symname", &wanted)) SWIG_fail;
  if (!(arg1 = husk_lua_arg_heap(L, 1, "$symname"))) SWIG_fail; /* reading the table may have run anything */
  $1 = &wanted;
%}
