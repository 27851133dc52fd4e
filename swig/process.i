/* swig/process.i: the memory of a process. */

/* Results by reference: a language's host code. */
HUSK_HOST(husk_process_memory_get)
HUSK_HOST(husk_system_memory_get)
HUSK_HOST(husk_cgroup_memory_get)
HUSK_HOST(husk_native_memory_get)
HUSK_HOST(husk_native_used)
HUSK_HOST(husk_memory_ask)
HUSK_HOST(husk_memory_percent)
HUSK_HOST(husk_memory_field_at)
HUSK_HOST(husk_memory_value)
HUSK_HOST(husk_cgroup_path)
HUSK_HOST(husk_process_reset_peak)
HUSK_HOST(husk_native_trim)

/* Handles with pointers into them, and a callback. */
HUSK_HOST(husk_map_kind_name)
HUSK_HOST(husk_maps_read)
HUSK_HOST(husk_maps_free)
HUSK_HOST(husk_maps_count)
HUSK_HOST(husk_maps_at)
HUSK_HOST(husk_process_each_thread)
