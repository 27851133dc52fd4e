/* swig/step.i: collecting in steps, and when runs over young pages start. */
typedef struct husk_steps {
  uint64_t begun;
  uint64_t finished;
  uint64_t given_up;
  uint64_t hurried;
  uint64_t steps;
  uint64_t late;
  uint64_t longest_ns;
  uint64_t nominated;
  uint64_t mistaken;
  bool under_way;
} husk_steps;

%extend husk_heap {
  husk_status set_pause(uint64_t ns);
  uint64_t pause() const;
  void steps(husk_steps *out) const;
  husk_status set_young(size_t objects);
  size_t young() const;
}

/* A figure of a pass inside a struct: languages give both side by side. */
HUSK_HOST(husk_heap_step)
