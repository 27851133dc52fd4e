/* bindings/tcl/tcl.i: how values cross between Tcl and the heap; the rest is generic.i. To Tcl everything is a
 * string, so a value goes in as what its string says, if that string comes back the same: 7 is an integer, 007 a
 * text. NULL, which SWIG writes for no object, is nil; true and false are booleans. */
%module husk

%{
#include "value.h"
%}

%fragment("husk_tcl", "header") %{
static bool husk_tcl_same(const char *text, Tcl_Obj *canonical)
{
  Tcl_IncrRefCount(canonical);
  bool same = strcmp(text, Tcl_GetString(canonical)) == 0;
  Tcl_DecrRefCount(canonical);
  return same;
}

static void husk_tcl_value(Tcl_Interp *interp, Tcl_Obj *from, husk_generic_value *to)
{
  int length;
  Tcl_WideInt integer;
  double number;
  memset(to, 0, sizeof *to);
  to->kind = HUSK_GENERIC_TEXT;
  to->bytes = Tcl_GetStringFromObj(from, &length);
  to->length = (size_t)length;
  if (strcmp(to->bytes, "NULL") == 0) {
    to->kind = HUSK_GENERIC_NIL;
  } else if (strcmp(to->bytes, "true") == 0 || strcmp(to->bytes, "false") == 0) {
    to->kind = HUSK_GENERIC_BOOL;
    to->integer = to->bytes[0] == 't';
  } else if (Tcl_GetWideIntFromObj(NULL, from, &integer) == TCL_OK &&
             husk_tcl_same(to->bytes, Tcl_NewWideIntObj(integer))) {
    to->kind = HUSK_GENERIC_INTEGER;
    to->integer = (int64_t)integer;
  } else if (Tcl_GetDoubleFromObj(NULL, from, &number) == TCL_OK &&
             husk_tcl_same(to->bytes, Tcl_NewDoubleObj(number))) {
    to->kind = HUSK_GENERIC_NUMBER;
    to->number = number;
  } else if (to->bytes[0] == '_') { /* as all wrappers are called */
    if (SWIG_IsOK(SWIG_ConvertPtr(from, &to->token, SWIGTYPE_p_husk_obj, 0)))
      to->kind = HUSK_GENERIC_OBJ;
    else if (SWIG_IsOK(SWIG_ConvertPtr(from, &to->token, SWIGTYPE_p_husk_weak, 0)))
      to->kind = HUSK_GENERIC_WEAK;
    Tcl_ResetResult(interp);
  }
}

static Tcl_Obj *husk_tcl_shown(Tcl_Interp *interp, husk_value v)
{
  husk_generic_value shown = husk_generic_show(v);
  switch (shown.kind) {
  case HUSK_GENERIC_BOOL:
    return Tcl_NewStringObj(shown.integer ? "true" : "false", -1);
  case HUSK_GENERIC_INTEGER:
    return Tcl_NewWideIntObj((Tcl_WideInt)shown.integer);
  case HUSK_GENERIC_NUMBER:
    return Tcl_NewDoubleObj(shown.number);
  case HUSK_GENERIC_TEXT:
    return Tcl_NewStringObj(shown.bytes, (int)shown.length);
  case HUSK_GENERIC_OBJ:
    return SWIG_NewInstanceObj(shown.token, SWIGTYPE_p_husk_obj, 1);
  case HUSK_GENERIC_WEAK:
    return SWIG_NewInstanceObj(shown.token, SWIGTYPE_p_husk_weak, 1);
  default:
    return Tcl_NewStringObj("NULL", -1);
  }
}
%}

%typemap(in, fragment="husk_tcl") husk_value (husk_generic_value cross) "husk_tcl_value(interp, $input, &cross);"
%typemap(out, fragment="husk_tcl") husk_value "Tcl_SetObjResult(interp, husk_tcl_shown(interp, $1));"
%typemap(out) husk_status ""

/* SWIG's own typemap does not heed %newobject in Tcl. */
%typemap(out) husk_obj *, husk_weak *, husk_cleanup * %{
  Tcl_SetObjResult(interp, $1 ? SWIG_NewInstanceObj($1, $1_descriptor, 1) : Tcl_NewStringObj("NULL", -1));
%}

%include "generic.i"
