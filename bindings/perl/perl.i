/* bindings/perl/perl.i: how values cross between Perl and the heap; the rest is generic.i. Perl's scalars have no
 * booleans of their own: those of the heap come out as 1 and 0. A scalar goes in as what it was made as: a string
 * is a text, also if it looks like a number. */
%module Husk

%{
#include "value.h"
%}

%fragment("husk_perl", "header") %{
static void husk_perl_value(pTHX_ SV *from, husk_generic_value *to)
{
  memset(to, 0, sizeof *to);
  if (!SvOK(from)) {
    to->kind = HUSK_GENERIC_NIL;
  } else if (SvROK(from)) {
    if (SWIG_IsOK(SWIG_ConvertPtr(from, &to->token, SWIGTYPE_p_husk_obj, 0))) {
      to->kind = HUSK_GENERIC_OBJ;
    } else if (SWIG_IsOK(SWIG_ConvertPtr(from, &to->token, SWIGTYPE_p_husk_weak, 0))) {
      to->kind = HUSK_GENERIC_WEAK;
    } else {
      to->kind = HUSK_GENERIC_ALIEN;
      to->bytes = sv_reftype(SvRV(from), 1);
    }
  } else if (SvPOK(from)) {
    STRLEN length;
    to->kind = HUSK_GENERIC_TEXT;
    to->bytes = SvPV(from, length);
    to->length = length;
  } else if (SvIOK(from)) {
    if (SvIsUV(from) && SvUV(from) > (UV)INT64_MAX) {
      to->kind = HUSK_GENERIC_ALIEN;
      to->bytes = "number beyond 64 bits";
    } else {
      to->kind = HUSK_GENERIC_INTEGER;
      to->integer = (int64_t)SvIV(from);
    }
  } else if (SvNOK(from)) {
    to->kind = HUSK_GENERIC_NUMBER;
    to->number = SvNV(from);
  } else {
    to->kind = HUSK_GENERIC_ALIEN;
    to->bytes = sv_reftype(from, 0);
  }
}

/* A text is characters to Perl if it is valid UTF-8, else bytes. */
static SV *husk_perl_shown(pTHX_ husk_value v)
{
  husk_generic_value shown = husk_generic_show(v);
  switch (shown.kind) {
  case HUSK_GENERIC_BOOL:
    return sv_2mortal(newSViv(shown.integer ? 1 : 0));
  case HUSK_GENERIC_INTEGER:
    return sv_2mortal(newSViv((IV)shown.integer));
  case HUSK_GENERIC_NUMBER:
    return sv_2mortal(newSVnv(shown.number));
  case HUSK_GENERIC_TEXT: {
    SV *text = newSVpvn(shown.bytes, shown.length);
    if (is_utf8_string((const U8 *)shown.bytes, shown.length)) SvUTF8_on(text);
    return sv_2mortal(text);
  }
  case HUSK_GENERIC_OBJ:
    return SWIG_NewPointerObj(shown.token, SWIGTYPE_p_husk_obj, SWIG_OWNER | SWIG_SHADOW);
  case HUSK_GENERIC_WEAK:
    return SWIG_NewPointerObj(shown.token, SWIGTYPE_p_husk_weak, SWIG_OWNER | SWIG_SHADOW);
  default:
    return sv_2mortal(newSV(0));
  }
}
%}

%typemap(in, fragment="husk_perl") husk_value (husk_generic_value cross) "husk_perl_value(aTHX_ $input, &cross);"
%typemap(out, fragment="husk_perl") husk_value "$result = husk_perl_shown(aTHX_ $1); argvi++;"
%typemap(out) husk_status ""

%include "generic.i"
