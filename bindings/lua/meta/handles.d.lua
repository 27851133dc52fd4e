---@meta
--- Types of handles, figures and errors of the module husk, for the Lua language server: see husk.d.lua.

--- A handle: one counted reference to an object of a heap. `local x <close> = ...` ends it at the end of a block.
---@class husk.Object: userdata

--- A record: its fields are those of its class, its methods the functions there.
---@class husk.Record: husk.Object
---@field [string] any
local Record = {}

--- A list: items from 1; list[#list + 1] = value appends.
---@class husk.List: husk.Object
---@field [integer] any
---@operator len: integer
local List = {}

--- A map: every name is a key.
---@class husk.Map: husk.Object
---@field [any] any
---@operator len: integer

--- An object that keeps any Lua value.
---@class husk.Box: husk.Object
---@field value any
local Box = {}

--- A weak reference.
---@class husk.Weak: husk.Object
---@field alive boolean
---@field state "alive"|"dying"|"dead"
---@overload fun(): husk.Object?
local Weak = {}

--- A weak-key map.
---@class husk.WeakKeyMap: husk.Object
---@field [husk.Object] any
---@operator len: integer
local WeakKeyMap = {}

--- A weak-value map: every name is a key.
---@class husk.WeakValueMap: husk.Object
---@field [any] husk.Object
---@operator len: integer

--- A weak set.
---@class husk.WeakSet: husk.Object
---@field [husk.Object] boolean
---@operator len: integer
local WeakSet = {}

--- What husk.weak.finalize registered.
---@class husk.Finalizer: husk.Object
---@field alive boolean
---@field atexit boolean
---@overload fun(): ...
local Finalizer = {}

--- A record type: call it to make a record; functions in it are methods.
---@class husk.Class
---@field [string] any
---@overload fun(fields: table<string, any>?, heap: husk.Heap?): husk.Record

--- What heap:build makes.
---@class husk.Graph
---@field [integer] husk.Class|table
---@field edges (integer|string)[]? from, field, to, from, field, to ...
---@field handles integer[]? whose handles are wanted; nil: all

--- What husk.trace.start takes.
---@class husk.TraceOptions
---@field frames integer?
---@field sample integer?
---@field sources string|string[]|nil
---@field epoch_ms integer?
---@field seed integer?

--- A frame of a traceback; address: of native code.
---@class husk.Frame
---@field file string
---@field line integer
---@field function string
---@field address integer?

--- Where something was made, the newest frame first. tostring makes lines of it.
---@class husk.Traceback
---@field [integer] husk.Frame

--- Figures of a tracer.
---@class husk.Traced
---@field bytes integer
---@field count integer
---@field peak_bytes integer
---@field peak_count integer
---@field born_bytes integer
---@field born integer
---@field temporary integer
---@field unknown integer
---@field places integer
---@field own_bytes integer
---@field sample_bytes integer

--- What a failed call raises.
---@class husk.Error
---@field code string
---@field status integer
---@field message string
---@field where string

--- What a pass did.
---@class husk.Pass
---@field generation integer
---@field reason "call"|"objects"|"bytes"|"limit"|"request"|"stress"|"close"
---@field examined integer
---@field collected integer
---@field uncollectable integer
---@field finalized integer
---@field resurrected integer
---@field weak_cleared integer
---@field deferred integer
---@field bytes integer
---@field find_ns integer
---@field finalize_ns integer
---@field reclaim_ns integer

--- When passes start.
---@class husk.Pacing
---@field least_objects integer
---@field least_bytes integer
---@field factor number
---@field factor_max number

--- Growth since the last pass.
---@class husk.Counts
---@field grown_objects integer
---@field grown_bytes integer
---@field limit_objects integer
---@field limit_bytes integer

--- Cumulative figures.
---@class husk.Generation
---@field passes integer
---@field examined integer
---@field collected integer
---@field uncollectable integer
---@field finalized integer
---@field resurrected integer
---@field weak_cleared integer
---@field bytes integer
---@field find_ns integer
---@field finalize_ns integer
---@field reclaim_ns integer
---@field longest_ns integer

--- Figures of a heap.
---@class husk.Figures
---@field objects integer
---@field object_bytes integer
---@field buffer_bytes integer
---@field foreign_bytes integer
---@field bytes_taken integer
---@field bytes_peak integer
---@field max_bytes integer
---@field pages integer
---@field pages_spare integer
---@field chunks integer
---@field weak_cells integer
---@field frozen_objects integer

--- A heap's memory in one size class.
---@class husk.SizeClass
---@field block_bytes integer 0: large objects, each in pages or in a mapping of its own
---@field tracked boolean of objects that can hold references
---@field pages integer of 64 KiB
---@field used integer blocks with an object
---@field free integer blocks freed and kept
---@field untouched integer blocks that no object has been in
---@field used_bytes integer
---@field asked_bytes integer of used_bytes: the rest is slack
---@field held_bytes integer of the pages

---@class husk.Classes
---@field [integer] husk.SizeClass
---@field text string

--- A heap. Its methods are functions of the module too, for the default heap.
---@class husk.Heap
local Heap = {}

--- What reports call it.
---@return string
function Heap:name() end

--- Whether it is closed.
---@return boolean
function Heap:closed() end

--- Ends the heap: cleanups that want it run, all handles end, then finalizers run, and every byte is given back.
--- Handles are dead afterwards. Not inside a hook of its own (HUSK_EBUSY).
function Heap:close() end

--- A list, with the items 1 to #items of a table: l[i] from 1, l[#l + 1] = v, #l, pairs, ipairs.
---@param items? any[]
---@return husk.List
function Heap:list(items) end

--- A map in the order of insertion, with the entries of a table: m.key, m[key], m[key] = nil removes, #m, pairs. It
--- has no methods, every name is a key: husk.clear(m), husk.release(m).
---@param entries? table
---@return husk.Map
function Heap:map(entries) end

--- An object that keeps any Lua value: b.value, or b:get().
---@param value any
---@return husk.Box
function Heap:box(value) end

--- A record of a class of husk.type in this heap.
---@param class husk.Class
---@param fields? table<string, any>
---@return husk.Record
function Heap:new(class, fields) end

--- Many records with edges between them in one call. spec[1], spec[2], ... are classes, or tables {class, field =
--- value, ...}; spec.edges is {from, field, to, from, field, to, ...} with the numbers of records; spec.handles the
--- numbers of those whose handles are returned, in a table; without it, of all. An error stores nothing.
---@param spec husk.Graph
---@return husk.Record[]
function Heap:build(spec) end

--- Weak containers in this heap: husk.weak.
---@param entries? table<husk.Object, any>
---@return husk.WeakKeyMap
function Heap:weak_keys(entries) end

--- Weak containers in this heap: husk.weak.
---@param entries? table<any, husk.Object>
---@return husk.WeakValueMap
function Heap:weak_values(entries) end

--- Weak containers in this heap: husk.weak.
---@param members? husk.Object[]
---@return husk.WeakSet
function Heap:weak_set(members) end

--- Ends all garbage and returns what was done, a table: collected, finalized, resurrected, weak_cleared, examined,
--- bytes and others. Handles that Lua has not collected yet are references, so Lua's own collector runs with it and
--- is shown the paths from handles to boxed values: cycles through Lua values end too, in rounds, until one frees
--- none. collect{handles = false} is one pass over the heap alone.
---@param options? { handles: boolean? }
---@return husk.Pass
function Heap:collect(options) end

--- What collect{handles = false} would end, without ending it. Lua's collector runs before, unless handles = false.
---@param options? { handles: boolean? }
---@return husk.Pass
function Heap:collect_dry(options) end

--- Does what waits for a moment at which hooks may run.
function Heap:safepoint() end

--- Asks for a pass at the next safe point or allocation.
function Heap:request() end

--- Stops automatic passes until enabled as often as disabled. holder says who asked.
---@param holder? string
function Heap:disable(holder) end

--- The other way; HUSK_ESTATE if it is not disabled.
function Heap:enable() end

--- Whether automatic passes run.
---@return boolean
function Heap:is_enabled() end

--- Whether automatic passes run.
---@return boolean
function Heap:isenabled() end

--- Who disabled it, from 0, the latest last; nil beyond.
---@param i integer
---@return string?
function Heap:disabled_by(i) end

--- The pacing of automatic passes, a table: least_objects, least_bytes, factor, factor_max. With a table it changes
--- what the table names.
---@param changes? husk.Pacing
---@return husk.Pacing
function Heap:pacing(changes) end

--- The growth since the last pass and its limits, a table: grown_objects, grown_bytes, limit_objects, limit_bytes.
---@return husk.Counts
function Heap:counts() end

--- Cumulative figures of a generation, a table: passes, collected and others. There is one generation, number 0.
---@param generation? integer
---@return husk.Generation
function Heap:stats(generation) end

--- Calls fn("start" or "stop", figures) before and after each pass. Returns a number for off_pass.
---@param fn fun(phase: "start"|"stop", figures: husk.Pass)
---@return integer
function Heap:on_pass(fn) end

--- No longer.
---@param id integer
function Heap:off_pass(id) end

--- Save_all(true): garbage is finalized and then kept, on the list that garbage() shows. save_all() asks.
---@param on? boolean
---@return boolean
function Heap:save_all(on) end

--- The garbage that save_all kept, a table of handles.
---@return husk.Object[]
function Heap:garbage() end

--- How many.
---@return integer
function Heap:garbage_count() end

--- Why entry i, from 0, is there.
---@param i integer
---@return string?
function Heap:garbage_reason(i) end

--- Lets them go.
function Heap:garbage_clear() end

--- Sets all present objects aside: passes skip them. For fork.
function Heap:freeze() end

--- No longer.
function Heap:unfreeze() end

--- Checks the whole heap: true, or an error that names the damage.
---@return true
function Heap:verify() end

--- Handles of all live objects, or of those of one class, in address order.
---@param class? husk.Class
---@return husk.Object[]
function Heap:objects(class) end

--- How many objects there are of each type, by its name. Makes no handles.
---@return table<string, integer>
function Heap:census() end

--- The heap's figures, a table: objects, object_bytes, bytes_taken, bytes_peak and others.
---@return husk.Figures
function Heap:figures() end

--- How many objects of each type are alive: a list of tables, type, count, bytes, in the order in which the types were
--- made. Counted when asked, exactly.
---@return { type: string, count: integer, bytes: integer }[]
function Heap:types() end

--- How its memory is used by size class: a list of tables. tostring makes a table with sums of it.
---@return husk.Classes
function Heap:classes() end

--- How many functions of husk.weak.finalize are still to run.
---@return integer
function Heap:cleanups() end

--- Changes the limit; 0: none.
---@param bytes integer
function Heap:set_max_bytes(bytes) end

--- Gives empty pages back to the system; returns the bytes.
---@return integer
function Heap:trim() end

--- Calls fn(code, text, heap_name) for errors of hooks; nil: a line on stderr.
---@param fn? fun(code: string, text: string, heap_name: string)
function Heap:on_error(fn) end

--- Hands an error to that function.
---@param text string
function Heap:report(text) end

--- Ends the handle, as husk.release(record), unless the class or a field has that name.
function Record:release() end

--- The same, for <close>.
function Record:close() end

--- Puts it at the end.
---@param value any
function List:append(value) end

--- Appends the items 1 to #items of a table: all of them, or none if one cannot be stored.
---@param items any[]
function List:extend(items) end

--- Puts it before item i.
---@param i integer
---@param value any
function List:insert(i, value) end

--- Takes item i out, the last one by default, and returns it.
---@param i? integer
---@return any
function List:remove(i) end

--- Takes all items out.
function List:clear() end

--- Ends the handle, as husk.release(list).
function List:release() end

--- The same, for <close>.
function List:close() end

--- The value; the same as box.value.
---@return any
function Box:get() end

--- Ends the handle, as husk.release(box).
function Box:release() end

--- The same, for <close>.
function Box:close() end

--- The object, or nil; the same as weak().
---@return husk.Object?
function Weak:get() end

--- Ends the handle, as husk.release(weak).
function Weak:release() end

--- The same, for <close>.
function Weak:close() end

--- Takes all entries out.
function WeakKeyMap:clear() end

--- Ends the handle, as husk.release(keys).
function WeakKeyMap:release() end

--- The same, for <close>.
function WeakKeyMap:close() end

--- Puts it in; the same as set[x] = true.
---@param x husk.Object
function WeakSet:add(x) end

--- Takes it out; whether it was in.
---@param x any
---@return boolean
function WeakSet:remove(x) end

--- Whether it is in; the same as set[x].
---@param x any
---@return boolean
function WeakSet:has(x) end

--- Takes all out.
function WeakSet:clear() end

--- Ends the handle, as husk.release(set).
function WeakSet:release() end

--- The same, for <close>.
function WeakSet:close() end

--- The object, fn and its arguments; nothing if it is no longer to run.
---@return husk.Object?
---@return function?
---@return any ...
function Finalizer:peek() end

--- The same, and it will not run.
---@return husk.Object?
---@return function?
---@return any ...
function Finalizer:detach() end

--- Ends the handle; fn stays registered.
function Finalizer:release() end

--- The same, for <close>.
function Finalizer:close() end
