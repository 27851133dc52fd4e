/* swig/leaks.i: the switch of the mode; its reports are opaque handles with results by reference. */
%extend husk_heap {
  void set_find_leaks(bool on);
  bool find_leaks() const;
}

/* Takes a callback. */
HUSK_HOST(husk_heap_on_leaks)

/* Reports are opaque handles, with results by reference. */
HUSK_HOST(husk_leaks_new)
HUSK_HOST(husk_leaks_free)
HUSK_HOST(husk_leaks_sums_get)
HUSK_HOST(husk_leaks_row)
HUSK_HOST(husk_leaks_object)
HUSK_HOST(husk_leaks_text)
