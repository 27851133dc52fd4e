/* swig/obj.i: asking an object. References to objects belong to a language's host code, which gives each
 * object one proxy. */
HUSK_ENDS(husk_obj::make_immortal, husk_obj_heap(arg1))

%extend husk_obj {
  size_t strong_count() const;
  size_t weak_count() const;
  bool is_unique() const;
  void make_immortal();
  bool is_immortal() const;
  size_t size() const;
  bool is_tracked() const;
  bool is_finalized() const;
  bool is_frozen() const;
  bool is_dying() const;
}

/* Counts and births are the business of proxies. */
HUSK_HOST(husk_obj_retain)
HUSK_HOST(husk_obj_release)
HUSK_HOST(husk_obj_drop)
HUSK_HOST(husk_obj_new)
HUSK_HOST(husk_obj_new_inline)
HUSK_HOST(husk_obj_new_items)

/* The memory of an object, and slots by their address: for types written in C. */
HUSK_HOST(husk_obj_data)
HUSK_HOST(husk_obj_items)
HUSK_HOST(husk_obj_item_count)
HUSK_HOST(husk_obj_set)
HUSK_HOST(husk_obj_set_inline)
HUSK_HOST(husk_obj_swap)
