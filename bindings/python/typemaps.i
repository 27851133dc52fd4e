/* bindings/python/typemaps.i: how values cross. Receivers are proxies and heaps of ours, never SWIG's pointers;
 * figures become named tuples. Numbers are ints, without a call of __index__: it could close the heap of the
 * receiver, which has been looked at by then. */

%define HUSK_PY_UNSIGNED(ctype, most)
%typemap(in) ctype %{
  { uint64_t number;
    if (!husk_py_arg_unsigned($input, "$symname", most, &number)) SWIG_fail;
    $1 = ($1_ltype)number; }
%}
%typemap(out) ctype %{ $result = PyLong_FromUnsignedLongLong($1); %}
%enddef
HUSK_PY_UNSIGNED(unsigned, UINT_MAX)
HUSK_PY_UNSIGNED(uint32_t, UINT32_MAX)
HUSK_PY_UNSIGNED(size_t, SIZE_MAX)
HUSK_PY_UNSIGNED(uint64_t, UINT64_MAX)

%typemap(in) int %{
  { int64_t number;
    if (!husk_py_arg_signed($input, "$symname", INT_MIN, INT_MAX, &number)) SWIG_fail;
    $1 = ($1_ltype)number; }
%}
%typemap(check) int generation %{
  if ($1 < 0 || $1 >= HUSK_GENERATIONS) {
    husk_py_fail(HUSK_ERANGE, "there is no generation %d: they are below %d", $1, (int)HUSK_GENERATIONS);
    SWIG_fail;
  }
%}
%typemap(out) int %{ $result = PyLong_FromLong($1); %}

%typemap(in) bool %{
  { int truth = husk_py_arg_bool($input, "$symname");
    if (truth < 0) SWIG_fail;
    $1 = truth != 0; }
%}
%typemap(out) bool %{ $result = PyBool_FromLong($1); %}

%typemap(out) const char * %{ $result = $1 ? PyUnicode_FromString($1) : Py_NewRef(Py_None); %}

/* A status that is a result has been raised by the %exception of its function, if it was one to raise. */
%typemap(in) husk_status = int;
%typemap(out) husk_status %{ $result = Py_NewRef(Py_None); %}

%typemap(in) husk_heap *, struct husk_heap *, const husk_heap *, struct husk_heap const * %{
  if (!($1 = husk_py_arg_heap($input, "$symname"))) SWIG_fail;
%}
%typemap(in) husk_obj *, struct husk_obj *, const husk_obj *, struct husk_obj const * %{
  if (!($1 = husk_py_arg_obj($input, "$symname"))) SWIG_fail;
%}

%define HUSK_PY_RESULT(ctype, make)
%typemap(in, numinputs=0) ctype *out (ctype filled) %{ memset(&filled, 0, sizeof filled); $1 = &filled; %}
%typemap(argout) ctype *out %{ Py_XDECREF($result); $result = make($1); %}
%enddef
HUSK_PY_RESULT(husk_pass, husk_py_pass)
HUSK_PY_RESULT(husk_counts, husk_py_counts)
HUSK_PY_RESULT(husk_pacing, husk_py_pacing)
HUSK_PY_RESULT(husk_generation, husk_py_generation)
HUSK_PY_RESULT(husk_steps, husk_py_steps)
HUSK_PY_RESULT(husk_heap_figures, husk_py_figures)
