/* swig/gcstat.i: what passes of another process do. What is read is an array of structs: a language makes its own. */
HUSK_HOST(husk_gcstat_start)
HUSK_HOST(husk_gcstat_stop)
HUSK_HOST(husk_gcstat_is_on)
HUSK_HOST(husk_gcstat_read)
HUSK_HOST(husk_gcstat_list)
