/* swig/passes.i: what each pass did and why. */
%extend husk_heap {
  uint64_t pass_count() const;
}

/* Results by reference, structs with arrays in them, modes and parts as numbers: a language makes tables of its own of
 * them, with words. */
HUSK_HOST(husk_heap_pass_record)
HUSK_HOST(husk_heap_pass_sums)
HUSK_HOST(husk_heap_pauses)
HUSK_HOST(husk_heap_pause_percentile)
HUSK_HOST(husk_heap_pause_count)
HUSK_HOST(husk_pause_bucket)
HUSK_HOST(husk_pass_line)
HUSK_HOST(husk_reason_name)
HUSK_HOST(husk_mode_name)
HUSK_HOST(husk_part_name)
