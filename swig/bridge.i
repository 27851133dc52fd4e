/* swig/bridge.i: cycles through a language with a collector of its own. All of it is host code: entering and
 * leaving frame one run of the language's collector, and its wrappers begin with husk_heap_unbridge. */
HUSK_HOST(husk_bridge_enter)
HUSK_HOST(husk_bridge_leave)
HUSK_HOST(husk_heap_is_bridged)
HUSK_HOST(husk_heap_unbridge)
