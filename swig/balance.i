/* swig/balance.i: where the memory of a process went. */

/* Results by reference, callbacks, texts into buffers: a language's host code. */
HUSK_HOST(husk_balance_new)
HUSK_HOST(husk_balance_free)
HUSK_HOST(husk_balance_row_at)
HUSK_HOST(husk_balance_sum_get)
HUSK_HOST(husk_balance_text)
HUSK_HOST(husk_verdict_name)
