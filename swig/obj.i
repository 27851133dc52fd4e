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
