/* swig/ownership.i: who owns a result, and how a call fails. Made by swig/make_ownership.lua from the words in
 * the public headers: change those, then run  lua5.4 swig/make_ownership.lua . > swig/ownership.i
 * The macros are explained in base.i. */

/* husk/bridge.h */
HUSK_DOES(husk_bridge_enter, arg1)

/* husk/classes.h */
HUSK_DOES(husk_heap::each_type, arg1)

/* husk/cleanup.h */
HUSK_MAKES(husk_cleanup_new, husk_obj_heap(arg1))
HUSK_FINDS(husk_cleanup::get, husk_obj_heap(husk_cleanup_obj(arg1)))
HUSK_LENDS(husk_cleanup::weak)
HUSK_LENDS(husk_cleanup::obj)
HUSK_LENDS(husk_cleanup_of)

/* husk/collect.h */
HUSK_DOES(husk_heap::collect, arg1)
HUSK_DOES(husk_heap::collect_young, arg1)
HUSK_DOES(husk_heap::collect_dry, arg1)
HUSK_DOES(husk_heap::generation, arg1)
HUSK_DOES(husk_heap::on_pass, arg1)
HUSK_DOES(husk_heap::off_pass, arg1)
HUSK_FINDS(husk_heap::garbage, arg1)

/* husk/deadqueue.h */
HUSK_LENDS(husk_watch_weak)
HUSK_LENDS(husk_watch_obj)
HUSK_LENDS(husk_deadqueue_obj)

/* husk/debug.h */
HUSK_DOES(husk_heap::verify, arg1)

/* husk/dryrun.h */
HUSK_DOES(husk_dryrun_new, arg1)

/* husk/heap.h */
HUSK_DOES(husk_heap::set_max_bytes, arg1)
HUSK_DOES(husk_heap::set_death_budget, arg1)
HUSK_DOES(husk_heap::attach, arg1)

/* husk/hidden.h */
HUSK_DOES(husk_obj::hidden_count, husk_obj_heap(arg1))
HUSK_DOES(husk_hidden_new, arg1)

/* husk/inline.h */
HUSK_MAKES(husk_obj_new_inline, arg1)
HUSK_DOES(husk_obj::set_inline, husk_obj_heap(arg1))
HUSK_EATS(husk_obj::take_inline)
HUSK_FINDS(husk_weak::lock_inline, husk_obj_heap(husk_weak_obj(arg1)))
HUSK_MAKES(husk_weak_new_inline, husk_obj_heap(arg1))
HUSK_LENDS(husk_obj_of)

/* husk/kinds.h */
HUSK_MAKES(husk_record_new, arg1)
HUSK_DOES(husk_record_set, husk_obj_heap(arg1))
HUSK_DOES(husk_record_peek, husk_obj_heap(arg1))
HUSK_MAKES(husk_list_new, arg1)
HUSK_DOES(husk_list_peek, husk_obj_heap(arg1))
HUSK_DOES(husk_list_set, husk_obj_heap(arg1))
HUSK_DOES(husk_list_append, husk_obj_heap(arg1))
HUSK_DOES(husk_list_insert, husk_obj_heap(arg1))
HUSK_DOES(husk_list_remove, husk_obj_heap(arg1))
HUSK_DOES(husk_list_clear, husk_obj_heap(arg1))
HUSK_MAKES(husk_map_new, arg1)
HUSK_DOES(husk_map_peek, husk_obj_heap(arg1))
HUSK_DOES(husk_map_set, husk_obj_heap(arg1))
HUSK_DOES(husk_map_remove, husk_obj_heap(arg1))
HUSK_DOES(husk_map_clear, husk_obj_heap(arg1))
HUSK_DOES(husk_map_peek_text, husk_obj_heap(arg1))
HUSK_DOES(husk_map_remove_text, husk_obj_heap(arg1))
HUSK_MAKES(husk_text_new, arg1)
HUSK_MAKES(husk_box_new, arg1)

/* husk/leaks.h */
HUSK_DOES(husk_leaks_new, arg1)

/* husk/ledger.h */
HUSK_DOES(husk_ledger_start, arg1)
HUSK_DOES(husk_ledger_choose, arg1)
HUSK_DOES(husk_ledger_push, arg1)
HUSK_DOES(husk_ledger_pop, arg1)
HUSK_LENDS(husk_ledger_find)
HUSK_DOES(husk_ledger_of, husk_obj_heap(arg1))
HUSK_DOES(husk_ledger_all, arg1)
HUSK_DOES(husk_ledger_death, arg1)

/* husk/obj.h */
HUSK_MAKES(husk_obj_new, arg1)
HUSK_MAKES(husk_obj_new_items, arg1)
HUSK_DOES(husk_obj::set, husk_obj_heap(arg1))
HUSK_EATS(husk_obj::take)
HUSK_DOES(husk_obj::swap, husk_obj_heap(arg1))
HUSK_LENDS(husk_obj::heap)
HUSK_LENDS(husk_obj::type)
HUSK_EATS(husk_obj::release_later)

/* husk/pacing.h */
HUSK_DOES(husk_heap::set_pacing, arg1)
HUSK_DOES(husk_heap::disable, arg1)
HUSK_DOES(husk_heap::enable, arg1)
HUSK_DOES(husk_heap::set_soft_limit, arg1)
HUSK_DOES(husk_heap::no_gc_begin, arg1)
HUSK_DOES(husk_heap::no_gc_end, arg1)
HUSK_DOES(husk_heap::idle, arg1)
HUSK_DOES(husk_heap::set_stress, arg1)

/* husk/parallel.h */
HUSK_DOES(husk_heap::set_parallel, arg1)

/* husk/passes.h */
HUSK_DOES(husk_heap::pass_record, arg1)
HUSK_DOES(husk_heap::pass_sums, arg1)
HUSK_DOES(husk_heap::pauses, arg1)
HUSK_DOES(husk_heap::pause_percentile, arg1)

/* husk/path.h */
HUSK_DOES(husk_path_of, husk_obj_heap(arg1))

/* husk/snapshot.h */
HUSK_DOES(husk_snapshot_new, arg1)
HUSK_DOES(husk_snapshot_fork, arg1)

/* husk/soft.h */
HUSK_LENDS(husk_soft_weak)
HUSK_LENDS(husk_soft_obj)

/* husk/step.h */
HUSK_DOES(husk_heap::step, arg1)
HUSK_DOES(husk_heap::set_pause, arg1)
HUSK_DOES(husk_heap::set_young, arg1)

/* husk/trace.h */
HUSK_DOES(husk_trace_start, arg1)
HUSK_DOES(husk_trace_mark, arg1)
HUSK_DOES(husk_trace_push_tag, arg1)
HUSK_DOES(husk_trace_push_domain, arg1)
HUSK_DOES(husk_trace_pop_tag, arg1)
HUSK_DOES(husk_trace_pop_domain, arg1)
HUSK_DOES(husk_trace_thread, arg1)
HUSK_DOES(husk_trace_push, arg1)
HUSK_DOES(husk_trace_line, arg1)
HUSK_DOES(husk_trace_pop, arg1)
HUSK_DOES(husk_trace_set_source, arg1)

/* husk/value.h */
HUSK_DOES(husk_value_set, husk_obj_heap(arg1))

/* husk/weak.h */
HUSK_MAKES(husk_weak_new, husk_obj_heap(arg1))
HUSK_FINDS(husk_weak::lock, husk_obj_heap(husk_weak_obj(arg1)))
HUSK_LENDS(husk_weak::obj)
HUSK_LENDS(husk_weak_of)

/* husk/weakmap.h */
HUSK_MAKES(husk_weakkeymap_new, arg1)
HUSK_DOES(husk_weakkeymap_peek, husk_obj_heap(arg1))
HUSK_DOES(husk_weakkeymap_set, husk_obj_heap(arg1))
HUSK_DOES(husk_weakkeymap_remove, husk_obj_heap(arg1))
HUSK_DOES(husk_weakkeymap_clear, husk_obj_heap(arg1))
HUSK_MAKES(husk_weakvaluemap_new, arg1)
HUSK_DOES(husk_weakvaluemap_peek, husk_obj_heap(arg1))
HUSK_DOES(husk_weakvaluemap_set, husk_obj_heap(arg1))
HUSK_DOES(husk_weakvaluemap_remove, husk_obj_heap(arg1))
HUSK_DOES(husk_weakvaluemap_clear, husk_obj_heap(arg1))
HUSK_DOES(husk_weakvaluemap_peek_text, husk_obj_heap(arg1))
HUSK_DOES(husk_weakvaluemap_remove_text, husk_obj_heap(arg1))
HUSK_MAKES(husk_weakset_new, arg1)
HUSK_DOES(husk_weakset_add, husk_obj_heap(arg1))
HUSK_DOES(husk_weakset_remove, husk_obj_heap(arg1))
HUSK_DOES(husk_weakset_clear, husk_obj_heap(arg1))
