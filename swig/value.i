/* swig/value.i: husk_value has no wrapper of its own: a language's typemaps turn it into nil, booleans,
 * integers, doubles, strings and proxies, and back. */
bool husk_value_equal(husk_value a, husk_value b);

/* Made, held and stored by the typemaps. */
HUSK_HOST(husk_nil)
HUSK_HOST(husk_bool)
HUSK_HOST(husk_int)
HUSK_HOST(husk_float)
HUSK_HOST(husk_ref)
HUSK_HOST(husk_value_retain)
HUSK_HOST(husk_value_release)
HUSK_HOST(husk_value_set)
