/* bindings/go/typemaps.i: how numbers, strings and figures cross. SWIG's own typemap for strings fails go vet and
 * copies twice; its structs would cost a call for each field. Here a string that goes in is a C copy, freed by
 * the wrapper; one that comes out is copied once; figures are Go structs of the same layout, filled in place
 * (go.i holds them against the headers). */
/* Without these typedefs SWIG takes the types of stdint.h for structs, passed by address. */
%include <stdint.i>

%typemap(gotype)  char *, const char * "string"
%typemap(imtype)  char *, const char * "*C.char"
%typemap(goin)    char *, const char * %{ $result = C.CString($input) %}
%typemap(in)      char *, const char * %{ $1 = ($1_ltype)$input; %}
%typemap(freearg) char *, const char * %{ free((void *)$1); %}
%typemap(out)     char *, const char * %{ $result = (void *)$1; %}
%fragment("HuskNothing", "go_runtime") %{%}
%typemap(goout, fragment="HuskNothing") char *, const char * %{ $result = C.GoString($1) %}

%typemap(gotype) husk_status "int"
%typemap(imtype) husk_status "int"
%typemap(in)     husk_status %{ $1 = (husk_status)$input; %}
%typemap(out)    husk_status %{ $result = (intgo)$1; %}

%typemap(gotype) size_t "uint64"
%typemap(gotype) uint32_t "uint32"
%typemap(gotype) uint64_t "uint64"
%typemap(gotype) int64_t "int64"

/* HUSK_GO_FIGURES(ctype, in_go): the argument of a call that fills a struct. */
%define HUSK_GO_FIGURES(ctype, in_go)
%typemap(gotype) ctype *, const ctype * in_go
%typemap(imtype) ctype *, const ctype * "unsafe.Pointer"
%typemap(goin)   ctype *, const ctype * %{ $result = unsafe.Pointer($input) %}
%typemap(in)     ctype *, const ctype * %{ $1 = ($1_ltype)$input; %}
%enddef
HUSK_GO_FIGURES(husk_pass, "*Pass")
HUSK_GO_FIGURES(husk_pacing, "*Pacing")
HUSK_GO_FIGURES(husk_counts, "*Counts")
HUSK_GO_FIGURES(husk_generation, "*Generation")
HUSK_GO_FIGURES(husk_steps, "*Steps")
HUSK_GO_FIGURES(husk_heap_figures, "*Figures")
