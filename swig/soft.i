/* swig/soft.i: soft references. Making one takes a callback, and what one is in a language is the language's own form
 * of a weak reference: host code. */
HUSK_ENDS(husk_heap::yield_softs, arg1)

%extend husk_heap {
  size_t yield_softs(size_t keep);
}

/* The proxy of a language. */
HUSK_HOST(husk_soft_new)
HUSK_HOST(husk_soft_lock)
HUSK_HOST(husk_soft_is_holding)
HUSK_HOST(husk_soft_let_go)
HUSK_HOST(husk_soft_data)
HUSK_HOST(husk_soft_of)
HUSK_HOST(husk_soft_release)

/* Structs: a table or an object of the language. */
HUSK_HOST(husk_heap_set_soft_policy)
HUSK_HOST(husk_heap_soft_policy)
HUSK_HOST(husk_heap_soft_figures)
