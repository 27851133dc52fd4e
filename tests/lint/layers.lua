-- Who may include whom: the architecture as a table. includes.lua holds every #include against the row whose
-- folder is the longest match.
--
--   at        file or folder, from the project's root
--   internal  folders of libcore/src it may include from ("store/block.h"); `all` for every one
--   public    headers <husk/...> it may include; `all` for every one
--   never     identifiers that must not occur in its code: what the layer must know nothing of
local all = "all"
local none = {}

return {
    { at = "libcore/include", internal = none, public = all },
    -- Looks at nothing above; debug.h declares the injected failures, which live at the bottom.
    { at = "libcore/src/base", internal = { "base" }, public = { "base.h", "status.h", "debug.h" },
      never = { "husk_obj", "husk_type", "struct husk_heap" } },
    { at = "libcore/src/store", internal = { "base", "store" }, public = { "base.h", "status.h", "debug.h" },
      never = { "husk_obj", "husk_type" } },
    -- Never takes memory from a store: it would trace itself.
    { at = "libcore/src/trace", internal = { "base", "trace" }, public = { "base.h", "status.h", "trace.h", "debug.h" },
      never = { "husk__store", "struct husk_heap" } },
    { at = "libcore/src/object", internal = { "base", "store", "trace", "object" }, public = all },
    { at = "libcore/src/cycle", internal = { "base", "store", "trace", "object", "cycle" }, public = all,
      -- It hands sets to object/death and frees nothing itself.
      never = { "husk__block_free", "husk_buffer_free" } },
    -- The system's view, which must not depend on ours.
    { at = "libcore/src/proc", internal = { "base", "proc" }, public = { "base.h", "status.h", "process.h" },
      never = { "husk_obj", "husk_heap", "husk_type" } },
    { at = "libcore/src/view", internal = { "base", "store", "trace", "object", "proc", "view" }, public = all,
      never = { "husk_obj_retain", "husk_obj_release", "husk_obj_set" } },
    -- What a pass would do or has found, told: it uses the search and names places, and changes nothing but the mark of
    -- what was told.
    { at = "libcore/src/survey", internal = { "base", "store", "trace", "object", "cycle", "view", "survey" },
      public = all, never = { "husk_obj_retain", "husk_obj_release", "husk_obj_set" } },
    { at = "libcore/src/kinds", internal = { "kinds" }, public = all },
    -- What dies must find its entries in weak containers without a search: the table knows the ties.
    { at = "libcore/src/kinds/weakmap.c", internal = { "kinds", "object" }, public = all },
    -- The composition root and what is not in a folder.
    { at = "libcore/src", internal = all, public = all },
    -- A program of its own around the tracer of the process; heaps are no business of it.
    { at = "libcore/preload", internal = { "base", "trace" }, public = all, never = { "husk_obj", "husk_heap" } },
    -- What needs libffi. On public headers, so that the core is free of it.
    { at = "ffi/include", internal = none, public = { "status.h", "type.h" } },
    { at = "ffi/src", internal = none, public = { "ffi.h", "status.h", "type.h" } },
    { at = "swig", internal = none, public = all },
    { at = "bindings", internal = none, public = all },
    { at = "bench", internal = none, public = all },
    -- The command line eats the Lua module, so that the module is used.
    { at = "cli", internal = none, public = none },
    { at = "tests/unit", internal = all, public = all },
    -- How small a heap may be for several threads is no setting of programs.
    { at = "tests/model/world_parallel.c", internal = { "cycle" }, public = all },
    -- Builds snapshots by hand.
    { at = "tests/stats", internal = all, public = all },
    { at = "tests/fuzz", internal = all, public = all },
    -- Everything else that is tested is a public promise.
    { at = "tests", internal = none, public = all },
}
