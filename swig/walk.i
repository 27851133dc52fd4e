/* swig/walk.i: looking at the heap. The callbacks of a walk must not make, release or store objects, which a
 * script cannot promise: a language collects the borrowed pointers in C, retains them, and hands out a list
 * after the walk. So nothing of husk/walk.h is wrapped call by call. */
HUSK_HOST(husk_heap_each)
HUSK_HOST(husk_obj_each_referent)
HUSK_HOST(husk_obj_each_referrer)
HUSK_HOST(husk_obj_each_weak)
