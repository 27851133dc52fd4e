/* swig/dryrun.i: reports as opaque handles, with options and results by reference (husk/census.h has no functions). */
HUSK_HOST(husk_dryrun_new)
HUSK_HOST(husk_dryrun_free)
HUSK_HOST(husk_dryrun_sums_get)
HUSK_HOST(husk_dryrun_type)
HUSK_HOST(husk_dryrun_object)
HUSK_HOST(husk_dryrun_step_at)
