/* swig/path.i: paths as opaque handles. */

/* Have options, results by reference, or write into a buffer of the caller's. */
HUSK_HOST(husk_path_find)
HUSK_HOST(husk_path_of)
HUSK_HOST(husk_path_free)
HUSK_HOST(husk_path_snapshot)
HUSK_HOST(husk_path_count)
HUSK_HOST(husk_path_root_get)
HUSK_HOST(husk_path_step_get)
HUSK_HOST(husk_path_text)
