/* swig/collect.i: the cycle collector and its controls. Structs named `out` are results; a language's typemap
 * makes a table or an object of each. */
typedef struct husk_pass {
  int generation;
  int reason;
  size_t examined;
  size_t collected;
  size_t uncollectable;
  size_t finalized;
  size_t resurrected;
  size_t weak_cleared;
  size_t deferred;
  size_t bytes;
  uint64_t find_ns;
  uint64_t finalize_ns;
  uint64_t reclaim_ns;
  int mode;
  size_t passes;
  uint64_t number;
} husk_pass;

typedef struct husk_generation {
  uint64_t passes;
  uint64_t examined;
  uint64_t collected;
  uint64_t uncollectable;
  uint64_t finalized;
  uint64_t resurrected;
  uint64_t weak_cleared;
  uint64_t bytes;
  uint64_t find_ns;
  uint64_t finalize_ns;
  uint64_t reclaim_ns;
  uint64_t longest_ns;
} husk_generation;

HUSK_ENDS(husk_heap::safepoint, arg1)
HUSK_ENDS(husk_heap::garbage_clear, arg1)
HUSK_ENDS(husk_heap::freeze, arg1)
HUSK_ENDS(husk_heap::unfreeze, arg1)

%extend husk_heap {
  husk_status collect(husk_pass *out);
  husk_status collect_young(husk_pass *out);
  husk_status collect_dry(husk_pass *out);
  void safepoint();
  void request();
  husk_status generation(int generation, husk_generation *out) const;
  husk_status off_pass(uint64_t id);
  void set_save_all(bool on);
  bool save_all() const;
  size_t garbage_count() const;
  husk_obj *garbage(size_t index);
  const char *garbage_reason(size_t index) const;
  void garbage_clear();
  void freeze();
  void unfreeze();
}

/* Takes a callback. */
HUSK_HOST(husk_heap_on_pass)
