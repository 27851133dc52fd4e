/* swig/value.i: husk_value has no wrapper of its own: a language's typemaps turn it into nil, booleans,
 * integers, doubles, strings and proxies, and back. */
bool husk_value_equal(husk_value a, husk_value b);
