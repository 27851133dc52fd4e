/* swig/debug.i: asking the heap whether it is whole; memory that fails on purpose, for tests. */

%extend husk_heap {
  husk_status verify();
}

%rename("memory_requests") husk_memory_requests;
%rename("memory_fail") husk_memory_fail;
%rename("memory_held") husk_memory_held;
%rename("memory_mode") husk_memory_mode;
uint64_t husk_memory_requests(void);
void husk_memory_fail(uint64_t nth, bool on);
size_t husk_memory_held(void);
const char *husk_memory_mode(void);
