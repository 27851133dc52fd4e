/* swig/cleanup.i: asking and ending a registered cleanup. Registering takes a callback: host code. */
%rename("Cleanup") husk_cleanup;
typedef struct husk_cleanup {} husk_cleanup;

HUSK_ENDS(husk_cleanup::detach, husk_obj_heap(husk_cleanup_obj(arg1)))
HUSK_ENDS(husk_cleanup::run, husk_obj_heap(husk_cleanup_obj(arg1)))
HUSK_ENDS(husk_heap::run_cleanups, arg1)

%extend husk_cleanup {
  bool is_pending() const;
  husk_obj *get();
  bool at_exit() const;
  void set_at_exit(bool at_exit);
  bool detach();
  bool run();
}

%extend husk_heap {
  size_t run_cleanups();
  size_t cleanups() const;
}

/* Takes a callback; its data and its end are the proxy's. */
HUSK_HOST(husk_cleanup_new)
HUSK_HOST(husk_cleanup_data)
HUSK_HOST(husk_cleanup_release)
