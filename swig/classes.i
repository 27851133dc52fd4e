/* swig/classes.i: how a heap's memory is used. */

/* Results by reference, callbacks, texts into buffers: a language's host code. */
HUSK_HOST(husk_heap_class_count)
HUSK_HOST(husk_heap_class_get)
HUSK_HOST(husk_heap_classes_text)
HUSK_HOST(husk_heap_count_type)
HUSK_HOST(husk_heap_each_type)
