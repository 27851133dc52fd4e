/* swig/parallel.i: full passes on several threads. */
%extend husk_heap {
  husk_status set_parallel(unsigned threads);
  unsigned parallel() const;
}
