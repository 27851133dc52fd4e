/* bindings/lua/lua.i: what SWIG generates for Lua: flat calls that take and return numbers, strings,
 * statuses, tables of figures and one receiver. Everything that hands out objects, or calls back, is written
 * by hand (host.h), because it must keep identity and ownership. SWIG's own userdata and type lookup are not
 * used: every pointer passes through the typemaps.
 *
 * The tables of functions are taken by husk_lua_raw; SWIG's luaopen function, its namespaces and its globals
 * swig_type and swig_equals never come to life. */
%module husk_raw

%include "errors.i"
%include "typemaps.i"

%ignore husk_heap::foreign;         /* a figure that only C can keep right */
%ignore husk_heap::disable;         /* keeps the pointer to its argument: host_heap.c */
%ignore husk_heap::set_pause;       /* in seconds: host_step.c */
%ignore husk_heap::pause;
%ignore husk_heap::garbage;         /* hand out objects: host_walk.c, host_weak.c */
%ignore husk_weak::lock;
%ignore husk_value_equal;           /* and the kinds, which have metatables: host_kinds.c */
%rename("$ignore", regextarget=1) "^husk_(record|list|map)_";

/* Results, of which the typemaps make tables. */
%ignore husk_heap_figures;
%ignore husk_pass;
%ignore husk_pacing;
%ignore husk_counts;
%ignore husk_generation;
%ignore husk_steps;

%include "husk.i"

%init %{
  /* Called by husk_lua_raw with a table on the stack: fills it with one table of functions for each class. */
  {
    const struct { const char *name; const swig_lua_method *methods; } classes[] = {
      { "heap", swig_Heap_methods }, { "type", swig_Type_methods }, { "obj", swig_Obj_methods },
      { "weak", swig_Weak_methods }, { "lib", swig_SwigModule_methods } };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
      lua_newtable(L);
      for (const swig_lua_method *m = classes[i].methods; m->name; m++) {
        lua_pushcfunction(L, m->func);
        lua_setfield(L, -2, m->name);
      }
      lua_setfield(L, -2, classes[i].name);
    }
  }
%}
