/* swig/pacing.i: when passes start, what that promises, how they are held off. */
typedef struct husk_pacing {
  size_t least_objects;
  size_t least_bytes;
  double factor;
  double factor_max;
} husk_pacing;

typedef struct husk_counts {
  size_t grown_objects;
  size_t grown_bytes;
  size_t limit_objects;
  size_t limit_bytes;
} husk_counts;

%extend husk_heap {
  husk_status disable(const char *holder);
  husk_status enable();
  bool is_enabled() const;
  const char *disabled_by(size_t index) const;
  husk_status set_pacing(const husk_pacing *pacing);
  void get_pacing(husk_pacing *out) const;
  void counts(husk_counts *out) const;
  husk_status set_soft_limit(size_t bytes);
}

/* Structs with words in them, and a text that is kept. */
HUSK_HOST(husk_factor_why_name)
HUSK_HOST(husk_bound_why_name)
HUSK_HOST(husk_region_why_name)
HUSK_HOST(husk_heap_pacing_state)
HUSK_HOST(husk_heap_bound)
HUSK_HOST(husk_heap_soft_limit)
HUSK_HOST(husk_heap_no_gc_begin)
HUSK_HOST(husk_heap_no_gc_end)
HUSK_HOST(husk_heap_no_gc)
HUSK_HOST(husk_heap_idle)
HUSK_HOST(husk_heap_set_stress)
HUSK_HOST(husk_heap_get_stress)
