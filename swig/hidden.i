/* swig/hidden.i: results by reference, and reports as opaque handles. */
HUSK_HOST(husk_obj_hidden_count)
HUSK_HOST(husk_obj_hidden_counts)
HUSK_HOST(husk_hidden_new)
HUSK_HOST(husk_hidden_free)
HUSK_HOST(husk_hidden_sums_get)
HUSK_HOST(husk_hidden_row)
HUSK_HOST(husk_hidden_object)
HUSK_HOST(husk_hidden_damaged)
