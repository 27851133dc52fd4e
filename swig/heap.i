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
  size_t dying_objects;
  size_t dying_bytes;
} husk_heap_figures;

%rename("figures") husk_heap::figures_get;

%extend husk_heap {
  const char *name() const;
  husk_status set_max_bytes(size_t max_bytes);
  void figures_get(husk_heap_figures *out) const;
  size_t trim();
  husk_status set_death_budget(size_t most);
  size_t death_budget() const;
  void foreign(int64_t bytes);
}

/* The heap is made and closed with the handles on it. */
HUSK_HOST(husk_heap_new)
HUSK_HOST(husk_heap_close)
HUSK_HOST(husk_heap_data)

/* Failures become exceptions; notes and reports are made by code that fails, which scripts do by raising. */
HUSK_HOST(husk_heap_failure)
HUSK_HOST(husk_heap_message)
HUSK_HOST(husk_heap_clear_failure)
HUSK_HOST(husk_heap_fail)
HUSK_HOST(husk_heap_report)

/* Takes a callback. */
HUSK_HOST(husk_heap_on_error)

/* Raw memory of types written in C. */
HUSK_HOST(husk_buffer_new)
HUSK_HOST(husk_buffer_resize)
HUSK_HOST(husk_buffer_free)

/* Which thread may use a heap is part of how a language ties it to its handles. */
HUSK_HOST(husk_heap_detach)
HUSK_HOST(husk_heap_attach)
