/* swig/heap.i: limits and figures of a heap. Making and closing one, and its error hook, are a language's
 * own: there the heap is tied to its handles. */
typedef struct husk_heap_figures {
  size_t objects;
  size_t object_bytes;
  size_t buffer_bytes;
  size_t foreign_bytes;
  size_t bytes_taken;
  size_t bytes_peak;
  size_t max_bytes;
  size_t pages;
  size_t pages_spare;
  size_t chunks;
  size_t weak_cells;
  size_t frozen_objects;
} husk_heap_figures;

%rename("figures") husk_heap::figures_get;
HUSK_DOES(husk_heap::set_max_bytes, arg1)

%extend husk_heap {
  const char *name() const;
  husk_status set_max_bytes(size_t max_bytes);
  void figures_get(husk_heap_figures *out) const;
  size_t trim();
  void foreign(int64_t bytes);
}
