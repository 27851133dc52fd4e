/* bindings/ruby/ruby.i: how values cross between Ruby and the heap; the rest is generic.i. */
%module husk

%{
#include "value.h"
#include <ruby/encoding.h>
%}

%fragment("husk_ruby", "header") %{
/* Raises RangeError for an integer beyond 64 bits. */
static void husk_ruby_value(VALUE from, husk_generic_value *to)
{
  memset(to, 0, sizeof *to);
  if (NIL_P(from)) {
    to->kind = HUSK_GENERIC_NIL;
  } else if (from == Qtrue || from == Qfalse) {
    to->kind = HUSK_GENERIC_BOOL;
    to->integer = from == Qtrue;
  } else if (RB_INTEGER_TYPE_P(from)) {
    to->kind = HUSK_GENERIC_INTEGER;
    to->integer = NUM2LL(from);
  } else if (RB_FLOAT_TYPE_P(from)) {
    to->kind = HUSK_GENERIC_NUMBER;
    to->number = RFLOAT_VALUE(from);
  } else if (RB_TYPE_P(from, T_STRING)) {
    to->kind = HUSK_GENERIC_TEXT;
    to->bytes = RSTRING_PTR(from);
    to->length = (size_t)RSTRING_LEN(from);
  } else if (SWIG_IsOK(SWIG_ConvertPtr(from, &to->token, SWIGTYPE_p_husk_obj, 0))) {
    to->kind = HUSK_GENERIC_OBJ;
  } else if (SWIG_IsOK(SWIG_ConvertPtr(from, &to->token, SWIGTYPE_p_husk_weak, 0))) {
    to->kind = HUSK_GENERIC_WEAK;
  } else {
    to->kind = HUSK_GENERIC_ALIEN;
    to->bytes = rb_obj_classname(from);
  }
}

static VALUE husk_ruby_shown(husk_value v)
{
  husk_generic_value shown = husk_generic_show(v);
  switch (shown.kind) {
  case HUSK_GENERIC_BOOL:
    return shown.integer ? Qtrue : Qfalse;
  case HUSK_GENERIC_INTEGER:
    return LL2NUM(shown.integer);
  case HUSK_GENERIC_NUMBER:
    return DBL2NUM(shown.number);
  case HUSK_GENERIC_TEXT:
    return rb_enc_str_new(shown.bytes, (long)shown.length, rb_utf8_encoding());
  case HUSK_GENERIC_OBJ:
    return SWIG_NewPointerObj(shown.token, SWIGTYPE_p_husk_obj, SWIG_POINTER_OWN);
  case HUSK_GENERIC_WEAK:
    return SWIG_NewPointerObj(shown.token, SWIGTYPE_p_husk_weak, SWIG_POINTER_OWN);
  default:
    return Qnil;
  }
}
%}

%typemap(in, fragment="husk_ruby") husk_value (husk_generic_value cross) "husk_ruby_value($input, &cross);"
%typemap(out, fragment="husk_ruby") husk_value "$result = husk_ruby_shown($1);"
%typemap(out) husk_status ""

/* Raises TypeError for what is no string, ArgumentError for a NUL in it; and copies nothing, since an exception
 * would leak the copy. */
%typemap(in) const char * "$1 = StringValueCStr($input);"
%typemap(freearg) const char * ""

%include "generic.i"
