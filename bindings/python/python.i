/* bindings/python/python.i: what SWIG generates for Python: flat calls that take and return numbers, strings,
 * statuses, figures and one receiver. Everything that hands out objects, or calls back, is written by hand
 * (host.h), because it must keep identity and ownership and be seen by Python's collector. SWIG's own pointer
 * objects are not used: every receiver passes through the typemaps.
 *
 * module.c makes methods of Heap of those with a heap, functions of the module of all others. */
%module(package="husk") _raw

%include "errors.i"
%include "typemaps.i"

%ignore husk_heap::foreign;         /* a figure that only C can keep right */
%ignore husk_heap::disable;         /* keeps the pointer to its argument: host_heap.c */
%ignore husk_heap::set_pause;       /* in seconds: host_step.c */
%ignore husk_heap::pause;
%ignore husk_heap::set_pacing;      /* takes keywords: host_heap.c */
%ignore husk_heap::collect;         /* whole rounds, with Python's collector: host_heap.c */
%ignore husk_heap::name;            /* an attribute: host_heap.c */
%ignore husk_heap::off_pass;        /* forgets a callable: host_heap.c */
%ignore husk_heap::garbage;         /* hands out objects: host_walk.c */
%ignore husk_obj::is_finalized;     /* host_obj.c */
%ignore husk_value_equal;           /* and the kinds, which have protocols: host_list.c and its like */
%rename("$ignore", regextarget=1) "^husk_(record|list|map)_";
%rename("$ignore", regextarget=1, fullname=1) "^husk_(type|weak)::"; /* Python has classes; host_weak.c */
%rename("pacing") husk_heap::get_pacing;
%rename("getrefcount") husk_obj::strong_count;
%rename("getsizeof") husk_obj::size;

/* Results, of which the typemaps make named tuples. */
%ignore husk_heap_figures;
%ignore husk_pass;
%ignore husk_pacing;
%ignore husk_counts;
%ignore husk_generation;
%ignore husk_steps;

%include "husk.i"
