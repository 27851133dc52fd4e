/* swig/weak.i: weak references. husk_weak_new takes a callback, in three arguments (on_gone, data, data_free)
 * for which a language has one typemap. */
typedef enum husk_weak_state { HUSK_DEAD = 0, HUSK_DYING, HUSK_ALIVE } husk_weak_state;


%extend husk_weak {
  husk_obj *lock();
  husk_weak_state state_get() const;
}

/* Takes a callback; its data and its end are the proxy's. */
HUSK_HOST(husk_weak_new)
HUSK_HOST(husk_weak_data)
HUSK_HOST(husk_weak_release)

/* The same as husk_weak_new and lock, for C. */
HUSK_HOST(husk_weak_new_inline)
HUSK_HOST(husk_weak_lock_inline)
