/* swig/type.i: asking a type. Registration is C's (it takes offsets), or husk_record_type's (kinds.i). */
%extend husk_type {
  const char *name() const;
  uint32_t id() const;
  size_t size() const;
  size_t slot_count() const;
  const char *slot_name(size_t slot) const;
  bool is_tracked() const;
}

/* Offsets, hooks and data of C. */
HUSK_HOST(husk_type_register)
HUSK_HOST(husk_type_data)
