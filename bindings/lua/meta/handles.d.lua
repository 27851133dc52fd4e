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

--- A soft reference.
---@class husk.Soft: husk.Object
---@field alive boolean
---@field holding boolean
---@field state "alive"|"dying"|"dead"
---@overload fun(): husk.Object?
local Soft = {}

--- A queue of the dead.
---@class husk.Queue: husk.Object
---@operator len: integer
local Queue = {}

--- What queue:watch registered.
---@class husk.Watch: husk.Object
---@field alive boolean
---@field tag any
local Watch = {}

--- A record type: call it to make a record; functions in it are methods.
---@class husk.Class
---@field [string] any
---@overload fun(fields: table<string, any>?, heap: husk.Heap?): husk.Record

--- What heap:build makes.
---@class husk.Graph
---@field [integer] husk.Class|table
---@field edges (integer|string)[]? from, field, to, from, field, to ...
---@field handles integer[]? whose handles are wanted; nil: all

--- What husk.ledger.start takes.
---@class husk.LedgerOptions
---@field types (husk.Class|string)[]|husk.Class|string|nil
---@field frames integer?
---@field sources string|string[]|nil
---@field deaths integer?
---@field max_bytes integer?

--- Figures of a ledger: husk.ledger.figures.
---@class husk.LedgerFigures
---@field objects integer
---@field entries integer
---@field before integer
---@field lost integer
---@field unpaired integer
---@field retains integer
---@field releases integer
---@field missed integer
---@field own_bytes integer
---@field max_bytes integer
---@field frames integer

--- Open entries of a ledger that are alike.
---@class husk.LedgerRow
---@field count integer
---@field objects integer of so many objects
---@field type string of these
---@field kind "retain"|"birth"|"release"
---@field owner "slot"|"name"|"nobody"
---@field name string? of the owner, or of the slot
---@field holder string? type of the object with the slot
---@field number integer? of it
---@field gone boolean it does not hold the object any more
---@field text string
---@field traceback husk.Frame[]

--- Rows; the figures are those of one object: husk.ledger.of.
---@class husk.LedgerRows
---@field [integer] husk.LedgerRow
---@field number integer?
---@field count integer?
---@field before integer?
---@field lost integer?
---@field unpaired integer?
---@field born husk.Frame[]?

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

--- A filter: a text, a table such as {file = "*.lua", line = 3} or {type = "list", exclude = true}, or a list of them.
---@alias husk.Filter string|table

--- A row of statistics. size_diff and count_diff: of comparisons; born and the others: with records = true.
---@class husk.Statistic
---@field size integer
---@field count integer
---@field size_diff integer?
---@field count_diff integer?
---@field name string?
---@field key string?
---@field text string
---@field line integer?
---@field function string?
---@field frames husk.Traceback?
---@field born integer?
---@field born_bytes integer?
---@field died integer?
---@field died_bytes integer?
---@field temporary integer?
---@field peak integer?
---@field peak_bytes integer?

--- What statistics take.
---@class husk.StatisticsOptions
---@field filter husk.Filter|husk.Filter[]|nil
---@field old_filter husk.Filter|husk.Filter[]|nil of comparisons
---@field top integer?
---@field cumulative boolean?
---@field each_frame boolean?
---@field untraced boolean?
---@field records boolean?
---@field sort "size"|"count"|"born"|"temporary"|"peak"|nil

--- Rows, the greatest first. tostring gives them as tracemalloc prints them.
---@class husk.Statistics
---@field [integer] husk.Statistic
---@operator len: integer
local Statistics = {}

--- All things that passed, each once, a table as a row.
---@return husk.Statistic
function Statistics:total() end

--- The sum of the rows from number `first` on, by default those that `top` cut off; nil: there are none.
---@param first? integer
---@return husk.Statistic?
function Statistics:rest(first) end

--- The number of rows, those beyond `top` too.
---@return integer
function Statistics:count() end

--- What they are grouped by, and whether they compare: two results.
---@return string by
---@return boolean compares
function Statistics:by() end

--- The frames of row i as text, as tracemalloc prints it: limit is the most frames, of the newest, or if negative of the
--- oldest; 0, the default, all. Options: source = true, with the line of the file where it can be read; newest_first;
--- functions.
---@param i integer
---@param limit? integer
---@param options? { source: boolean?, newest_first: boolean?, functions: boolean? }
---@return string
function Statistics:traceback(i, limit, options) end

--- Frees them; so does `local s <close> = ...`.
function Statistics:close() end

--- A view of a snapshot: what passes its filters.
---@class husk.View
---@field statistics fun(self: husk.View, by: string?, options: husk.StatisticsOptions?): husk.Statistics
---@field compare fun(self: husk.View, old: husk.Snapshot|husk.View, by: string?, options: husk.StatisticsOptions?): husk.Statistics
---@field things fun(self: husk.View, options: table?): function
---@field export fun(self: husk.View, format: string?, target: string|fun(piece: string)|file*|nil, options: table?): string?
---@field filter fun(self: husk.View, ...: husk.Filter): husk.View

--- How many things a snapshot has.
---@class husk.SnapshotCounts
---@field objects integer
---@field object_bytes integer
---@field edges integer
---@field weak_edges integer
---@field buffers integer
---@field buffer_bytes integer
---@field blocks integer
---@field block_bytes integer
---@field traced integer
---@field types integer
---@field records integer
---@field stacks integer
---@field frames integer
---@field bytes integer

--- An object of a snapshot.
---@class husk.Node
---@field number integer
---@field address integer
---@field type string
---@field size integer
---@field edges integer
---@field hidden integer
---@field stack integer
---@field record integer
---@field tracked boolean
---@field finalized boolean
---@field finalizer_pending boolean
---@field frozen boolean
---@field immortal boolean
---@field weakly boolean

--- An object, a buffer or a block of a snapshot.
---@class husk.Thing
---@field kind "object"|"buffer"|"block"
---@field address integer
---@field size integer
---@field weight number
---@field traced boolean
---@field stack integer
---@field thread integer
---@field type string?
---@field tag string?
---@field domain string?
---@field mark string?

--- The state of a heap at one moment.
---@class husk.Snapshot: userdata
local Snapshot = {}

--- Who has how much: the things of the snapshot, grouped by "line" (the default), "file", "function", "traceback", "type",
--- "tag", "domain", "thread", "class", "age", "mark" or "kind". The result is a list: #s, s[i], ipairs; each row is a
--- table with size, count, name, key, text, frames (newest first), and where it has them line and function; tostring of a
--- row or of the whole gives what tracemalloc prints. Options: filter, a text, a table or a list of them; top, the most rows; cumulative =
--- true, by line, file or function: each frame gets what was made below it, each_frame = true as often as it is in the
--- traceback; untraced = true: what was not traced too; sort = "count", "born", "temporary", "peak"; records = true: rows
--- have born, born_bytes, died, died_bytes, temporary, peak, peak_bytes.
---@param by? string
---@param options? husk.StatisticsOptions
---@return husk.Statistics
function Snapshot:statistics(by, options) end

--- The same, with size_diff and count_diff against an older snapshot, or view of one. The largest difference is first;
--- what is gone is there with 0. old_filter chooses of the old one; without it, filter.
---@param old husk.Snapshot|husk.View
---@param by? string
---@param options? husk.StatisticsOptions
---@return husk.Statistics
function Snapshot:compare(old, by, options) end

--- A view of what passes the filters: it has statistics, compare, things and filter.
---@param ... husk.Filter
---@return husk.View
function Snapshot:filter(...) end

--- For i, thing in snapshot:things(): objects, buffers and blocks, those that were traced, or with untraced = true all. A
--- thing is a table: kind, address, size, weight (how many it stands for), stack, thread, and where it has them type,
--- tag, domain, mark. filter as above.
---@param options? { filter: husk.Filter|husk.Filter[]|nil, untraced: boolean? }
---@return fun(list: any, i: integer): integer, husk.Thing
function Snapshot:things(options) end

--- The frames of a traceback, whose number an object, a thing or a row has: a list, newest first, as husk.trace.of; total
--- is how many there were before the limit cut it. nil: not known.
---@param stack integer
---@return husk.Traceback?
function Snapshot:traceback(stack) end

--- How many there are, a table: objects, object_bytes, edges, weak_edges, buffers, buffer_bytes, blocks, block_bytes,
--- traced, types, records, stacks, frames, and bytes, its own size.
---@return husk.SnapshotCounts
function Snapshot:counts() end

--- A text about it: "husk", "time", "command", "pid", "heap" and what was noted; or nil.
---@param key string
---@return string?
function Snapshot:text(key) end

--- All of them in order, a list of {key, text}.
---@return string[][]
function Snapshot:texts() end

--- Adds a text, which survives the file.
---@param key string
---@param text string
function Snapshot:note(key, text) end

--- A number about it: group "heap", "trace", "gc", "process", "system", "cgroup" or "balance"; nil if it is not known.
---@param group string
---@param name string
---@return integer?
function Snapshot:number(group, name) end

--- All of them in order, a list of tables: group, name, value.
---@return { group: string, name: string, value: integer }[]
function Snapshot:figures() end

--- For number, node in snapshot:nodes(): the objects by address, tables: number, address, type, size, edges, hidden
--- (references that no slot accounts for), stack, record, and the flags tracked, finalized, finalizer_pending, frozen,
--- immortal, weakly.
---@return fun(snapshot: husk.Snapshot, number: integer): integer, husk.Node
function Snapshot:nodes() end

--- One of them, or nil.
---@param number integer
---@return husk.Node?
function Snapshot:node(number) end

--- The number of an object that is alive, or of an address; nil if it is not there.
---@param x husk.Object|integer|lightuserdata
---@return integer?
function Snapshot:find(x) end

--- For to, name, kind, index in snapshot:edges(number): what an object refers to: the other's number, the field's name or
--- nil, "strong", "weak" or "ephemeron", and the number of the item or nil.
---@param number integer
---@return fun(): integer?, string?, string, integer?
function Snapshot:edges(number) end

--- Writes it to a file, all or nothing: what was there before stays until it is whole.
---@param path string
function Snapshot:save(path) end

--- Writes it in a form that other programs read: husk.snapshot.formats() lists them; nil guesses by the ending of the path.
--- target is a path (all or nothing, as save), a function that gets the pieces (false from it ends the writing), an open
--- file, or nil: then the result is the text. Options: by and top, of text and csv; title; types = true, count = true,
--- made = true, of stacks: the type as the innermost frame, numbers of things in place of bytes, all that was made in
--- place of what is alive; filter, of csv, collapsed, pprof and speedscope, as of statistics; max_bytes, of html; progress,
--- a function that is told how many bytes are written, about once a mebibyte (its errors are raised in the end).
---@param format string?
---@param target string|fun(piece: string)|file*|nil
---@param options? { by: string?, top: integer?, title: string?, types: boolean?, count: boolean?, made: boolean?, filter: husk.Filter|husk.Filter[]|nil, max_bytes: integer?, progress: fun(bytes: integer)? }
---@return string?
function Snapshot:export(format, target, options) end

--- Frees it, and the statistics made from it; so does `local s <close> = ...`.
function Snapshot:close() end

--- Whether it is.
---@return boolean
function Snapshot:closed() end

--- A child of the process that writes a snapshot.
---@class husk.Child: userdata
local Child = {}

--- Waits until the file is there. Once; later it does nothing.
function Child:wait() end

--- What a failed call raises.
---@class husk.Error
---@field code string
---@field status integer
---@field message string
---@field where string

--- What a pass did.
---@class husk.Pass
---@field generation 0|1 0: all objects; 1: those on young pages
---@field reason "call"|"objects"|"bytes"|"limit"|"request"|"stress"|"close"|"soft limit"|"idle"
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
---@field mode "full"|"young"|"step"
---@field passes integer whose sums these are
---@field number integer of the latest of them: its record

--- What a pass in steps has done so far.
---@class husk.Step: husk.Pass
---@field took number seconds of the latest step

--- What passes in steps did.
---@class husk.Steps
---@field begun integer passes
---@field finished integer
---@field given_up integer something else needed their tables
---@field hurried integer finished at once because the bound on memory was reached
---@field steps integer
---@field late integer steps that took more than one and a half times their budget
---@field longest_ns integer
---@field nominated integer objects
---@field mistaken integer of these, those that were alive
---@field under_way boolean

--- What one pass did and why.
---@class husk.PassRecord
---@field number integer
---@field reason "call"|"objects"|"bytes"|"limit"|"request"|"stress"|"close"|"soft limit"|"idle"
---@field mode "full"|"young"|"step"
---@field status string
---@field quiet boolean
---@field threads integer
---@field start_ns integer
---@field pauses integer
---@field pause_ns integer
---@field longest_ns integer
---@field ns table<string, integer>
---@field candidates integer
---@field freed integer
---@field freed_bytes integer
---@field finalized integer
---@field weak_cleared integer
---@field held integer
---@field reached integer
---@field resurrected integer
---@field deferred integer
---@field saved integer
---@field frozen integer
---@field objects_before integer
---@field bytes_before integer
---@field objects_after integer
---@field bytes_after integer
---@field by_type {type: string, objects: integer, bytes: integer}[]
---@field rest {objects: integer, bytes: integer}
---@field line? string

--- All passes of a mode.
---@class husk.PassSums
---@field passes integer
---@field candidates integer
---@field freed integer
---@field freed_bytes integer
---@field finalized integer
---@field resurrected integer
---@field weak_cleared integer
---@field ns table<string, integer>

--- How long the program waited.
---@class husk.Pauses
---@field count integer
---@field total_ns integer
---@field max_ns integer
---@field p50_ns integer
---@field p90_ns integer
---@field p99_ns integer
---@field p999_ns integer

--- Pauses from low_ns to high_ns, both included.
---@class husk.PauseBucket
---@field low_ns integer
---@field high_ns integer
---@field count integer

--- A heap of another process.
---@class husk.GCStat
---@field heap integer
---@field name string
---@field age_ns integer
---@field latest? husk.PassRecord
---@field sums table<string, husk.PassSums>
---@field pauses table<string, husk.Pauses>

--- When passes start.
---@class husk.Pacing
---@field least_objects integer
---@field least_bytes integer
---@field factor number
---@field factor_max number

--- How passes are paced now, and why.
---@class husk.PacingState
---@field factor number the one in force
---@field why "set"|"yield"|"time"
---@field at_most boolean it is factor_max
---@field time_kept boolean time_share is within its goal, a tenth
---@field time_share number of the last automatic passes
---@field timed integer how many these are
---@field yield number of the last pass
---@field object_ns number what an object costs
---@field last_ns integer
---@field automatic integer passes that growth or the soft limit started
---@field automatic_examined integer objects that they looked at

--- What a heap does not grow past without a pass over all.
---@class husk.Bound
---@field objects integer? nil: not bounded
---@field bytes integer? nil: not bounded
---@field garbage_objects integer what may be uncollected garbage now, at most
---@field garbage_bytes integer
---@field new_objects integer of these, the growth since the last pass
---@field deferred_objects integer garbage that waits for a safe point
---@field kept boolean it holds now
---@field why "kept"|"disabled"|"region"|"unpaced"|"hook"|"save all"|"corrupt"
---@field holder string?

--- The soft limit.
---@class husk.SoftLimit
---@field bytes integer 0: none
---@field exceeded boolean now
---@field held_back boolean a pass for it waits, since passes have taken too much of the time
---@field most_over integer
---@field passes integer
---@field held_back_times integer

--- A region without passes.
---@class husk.Region
---@field objects integer the budget; 0: not limited
---@field bytes integer
---@field grown_objects integer
---@field grown_bytes integer
---@field active boolean
---@field kept boolean
---@field why "kept"|"budget"|"limit"|"asked"
---@field holder string

--- What was done in a quiet moment.
---@class husk.Idle
---@field served boolean what waited for a safe point
---@field passed boolean a pass ran, or one in steps ended
---@field stepped boolean a step of a pass ran
---@field trimmed boolean spare pages went back
---@field more boolean worth calling again
---@field expected number seconds of a pass at once
---@field collected integer
---@field bytes_back integer
---@field took number seconds

--- Passes at allocations.
---@class husk.Stress
---@field every integer
---@field seed integer

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
---@field dying_objects integer dead, but for a death budget or a safe point that they wait for
---@field dying_bytes integer

--- Objects of one type, or of one type and place.
---@class husk.CensusRow
---@field type string
---@field place string? where they were made
---@field objects integer
---@field bytes integer of their blocks
---@field references integer? hidden ones

---@class husk.CensusObject
---@field address integer
---@field type string
---@field place string?
---@field bytes integer
---@field references integer? hidden ones
---@field follower boolean? no garbage itself, but only garbage holds it

---@class husk.DryStep
---@field kind "finalizer"|"callback"|"cleanup"
---@field type string of the object that dies
---@field address integer
---@field hook integer of what is called

---@class husk.DryRun
---@field examined integer
---@field garbage integer
---@field objects integer all that would die
---@field bytes integer
---@field followers integer of these, what only garbage holds
---@field finalizers integer
---@field callbacks integer
---@field cleanups integer
---@field disposes integer
---@field waiting integer dead already, not among the others
---@field find_ns integer
---@field finalize_ns integer
---@field reclaim_ns integer
---@field pause_ns integer
---@field basis { find: string, finalize: string, reclaim: string }
---@field types husk.CensusRow[] most bytes first
---@field steps husk.DryStep[] in the order in which code would run
---@field listed husk.CensusObject[]

---@class husk.Hidden
---@field examined integer
---@field objects integer
---@field references integer
---@field unknown integer
---@field types husk.CensusRow[] most references first
---@field listed husk.CensusObject[]
---@field damaged husk.CensusObject[]

---@class husk.Leaks
---@field objects integer
---@field bytes integer
---@field followers integer
---@field unreachable integer
---@field summary boolean
---@field types husk.CensusRow[] most bytes first
---@field listed husk.CensusObject[]

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
--- none. collect{handles = false} is one pass over the heap alone. collect{young = true} is a run over young pages: objects
--- on pages that have served births since a pass last looked at them. It costs nothing for the rest of the heap and ends
--- cycles that are held by young objects alone; Lua's collector runs before it only with handles = true. generation in the
--- result: 0, all objects; 1, the young ones.
---@param options? { handles: boolean?, young: boolean? }
---@return husk.Pass
function Heap:collect(options) end

--- Goes on with a pass in steps, or begins one, for about so long (0.00001 to 10; 0.001 by default), like
--- collectgarbage("step"). Returns whether the pass is over, and its figures so far, as of collect, with took, the seconds
--- of this step. The pass looks at the same objects as collect{handles = false}; what needs its tables meanwhile, such as
--- collect, verify and snapshots, gives it up, and the next step begins anew.
---@param seconds? number
---@return boolean finished
---@return husk.Step figures
function Heap:step(seconds) end

--- How long the steps of automatic passes take, about; 0, the default: such a pass runs at once. With an argument it sets
--- it: 0, or 0.00001 to 10.
---@param seconds? number
---@return number seconds
function Heap:pause(seconds) end

--- Passes in steps, a table: begun, finished, given_up, hurried (at once, because of the bound on memory); steps, late
--- (more than one and a half times their budget), longest_ns; nominated objects and mistaken, those of them that were
--- alive; under_way.
---@return husk.Steps
function Heap:steps() end

--- After how many births, net of deaths by counting, a run over young pages starts by itself; 4096 by default, 0: never.
--- With an argument it sets it: 0, or 64 to 2^24. Where growth starts no passes
--- (pacing), there are none of these either.
---@param objects? integer
---@return integer objects
function Heap:young(objects) end

--- How many threads a pass over all objects may use, Lua's own among them, 1 to 8; 1, the default: no others. With an
--- argument it sets it. Only heaps of 2 * 10^6 objects and more use them; the threads run no Lua.
---@param threads? integer
---@return integer threads
function Heap:parallel(threads) end

--- What collect{handles = false} would end, without ending it. Lua's collector runs before, unless handles = false.
---@param options? { handles: boolean? }
---@return husk.Pass
function Heap:collect_dry(options) end

--- What collect{handles = false} would do, without doing it. Options: objects, how many are listed one by one; handles = false:
--- Lua's collector does not run before. tostring: as lines.
---@param options? { objects: integer?, handles: boolean? }
---@return husk.DryRun
function Heap:dry_run(options) end

--- Who is held from outside: references that no slot accounts for, handles of Lua among them. Options: objects, how many are
--- listed one by one; by = "place": rows by type and place. tostring: as lines.
---@param options? { objects: integer?, by: "type"|"place"|nil }
---@return husk.Hidden
function Heap:hidden(options) end

--- Finding leaks: passes free nothing and tell each unreachable object once, to a function or (true) to the error hook;
--- false: off. Without arguments: whether it is on. Finalizers do not run, counts and weak references stay as they are.
---@param on? boolean|fun(report: husk.Leaks)
---@param options? { objects: integer? }
---@return boolean?
function Heap:find_leaks(on, options) end

--- What was told so far and is unreachable still.
---@param options? { objects: integer? }
---@return husk.Leaks
function Heap:leaks(options) end

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

--- How passes are paced now, a table: factor, the one in force; why, "set", "yield" or "time"; at_most, whether it is
--- factor_max; time_share of the last automatic passes (timed of them), and time_kept, whether it is within its goal of a
--- tenth; yield of the last pass, last_ns, and object_ns, what an object costs; automatic passes and automatic_examined,
--- the objects that they looked at.
---@return husk.PacingState
function Heap:pacing_state() end

--- What is not passed without a pass over all, a table: objects, bytes (nil: not bounded); garbage_objects and
--- garbage_bytes, what may be uncollected garbage now at most, and new_objects of these; deferred_objects, garbage that
--- waits for a safe point; kept, and if not, why, and the holder.
---@return husk.Bound
function Heap:bound() end

--- The soft limit, a table: bytes, exceeded, held_back, most_over, passes, held_back_times. bytes sets it, 1 MiB or more;
--- 0: none. When the bytes taken come to it pages go back and a pass runs; no allocation fails, and passes for it take at
--- most half of the time.
---@param bytes? integer
---@return husk.SoftLimit
function Heap:soft_limit(bytes) end

--- No automatic pass until the heap has grown by budget.objects or budget.bytes, or until no_gc_end. budget.reserve: the
--- pages for the bytes are taken now. budget.holder says who asked.
---@param budget { objects: integer?, bytes: integer?, reserve: boolean?, holder: string? }
function Heap:no_gc_begin(budget) end

--- Ends it and says how it went, a table: kept, why ("kept", "budget", "limit", "asked"), the budget, grown_objects,
--- grown_bytes, holder.
---@return husk.Region
function Heap:no_gc_end() end

--- The same while it lasts, with active; nil outside of one.
---@return husk.Region?
function Heap:no_gc() end

--- Useful work in a quiet moment, for about so long (0.001 to 3600): what waits for a safe point, a pass if it is worth
--- one, in steps if it does not fit, spare pages. A table: served, passed, stepped, trimmed, what was done; collected,
--- bytes_back, took; more, whether it is worth calling again; expected, the seconds of a pass at once.
---@param seconds number
---@return husk.Idle
function Heap:idle(seconds) end

--- A pass at each settings.every-th allocation, 0: off; with a seed at random ones, every-th in the mean. Returns the
--- settings, a table: every, seed.
---@param settings? { every: integer?, seed: integer? }
---@return husk.Stress
function Heap:stress(settings) end

--- The growth since the last pass and its limits, a table: grown_objects, grown_bytes, limit_objects, limit_bytes.
---@return husk.Counts
function Heap:counts() end

--- Cumulative figures of a generation, a table: passes, collected and others. Generation 0, the default, is that of passes
--- over all objects, 1 that of runs over young pages.
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

--- The number of the latest pass; 0: there was none.
---@return integer
function Heap:pass_count() end

--- What one pass did and why. The latest 64 are there; figures.number of a callback names one.
---@param number integer
---@return husk.PassRecord
function Heap:pass(number) end

--- The records of the latest passes, the oldest first: n of them, or all that there are.
---@param n? integer
---@return husk.PassRecord[]
function Heap:passes(n) end

--- The sums of all passes of a mode.
---@param mode "full"|"young"|"step"
---@return husk.PassSums
function Heap:pass_sums(mode) end

--- How long the program waited for passes of a mode, of all without one. With percent: that percentile in nanoseconds.
---@param mode? "full"|"young"|"step"|"any"
---@param percent? number
---@return husk.Pauses|integer
function Heap:pauses(mode, percent) end

--- The same as buckets, those that are not empty.
---@param mode? "full"|"young"|"step"|"any"
---@return husk.PauseBucket[]
function Heap:pause_histogram(mode) end

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

--- A queue of the dead in this heap: husk.weak.queue.
---@return husk.Queue
function Heap:queue() end

--- Soft references let go, all but the `keep` most recently used; without keep, all. Returns how many.
---@param keep? integer
---@return integer
function Heap:yield_softs(keep) end

--- When else they let go, a table: max_age, in passes without a use (0: never by age), and keep, how many of the most
--- recently used stay whatever their age. At max_bytes all let go before anything is refused. With a table it changes what
--- the table names.
---@param changes? { max_age: integer?, keep: integer? }
---@return { max_age: integer, keep: integer }
function Heap:soft_policy(changes) end

--- Soft references, a table: references, holding, how often one let go (by_call, by_age, by_pressure, by_limit) and held its
--- object again (regained).
---@return { references: integer, holding: integer, by_call: integer, by_age: integer, by_pressure: integer, by_limit: integer, regained: integer }
function Heap:soft_figures() end

--- How many functions of husk.weak.finalize are still to run.
---@return integer
function Heap:cleanups() end

--- Changes the limit; 0: none.
---@param bytes integer
function Heap:set_max_bytes(bytes) end

--- The death budget: how many objects end, and callbacks run, in one release at most; 0, the default: all. What is
--- left is dead already; later releases, allocations and safe points go on, each with the same budget. collect, verify and
--- snapshots end all of it first.
---@param most integer
function Heap:set_death_budget(most) end

--- The death budget; 0: none.
---@return integer
function Heap:death_budget() end

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

--- The object, or nil; the same as soft().
---@return husk.Object?
function Soft:get() end

--- Lets go now; whether it was holding.
---@return boolean
function Soft:let_go() end

--- Ends the handle, as husk.release(soft).
function Soft:release() end

--- The same, for <close>.
function Soft:close() end

--- Watches x. tag is any Lua value but nil; one that leads to x keeps it alive. Returns the watch, which nobody has to keep:
--- watch.alive is whether it still waits for the death, watch.tag the tag.
---@param x husk.Object
---@param tag any
---@return husk.Watch
function Queue:watch(x, tag) end

--- The tag of the one that died first of those that wait, or nil. Never blocks.
---@return any
function Queue:poll() end

--- An iterator: `for tag in q:each() do` polls until none waits.
---@return fun(queue: husk.Queue): any
---@return husk.Queue
function Queue:each() end

--- How many watches there are whose objects live.
---@return integer
function Queue:watching() end

--- A descriptor that is readable while tags wait, for event loops; closed with the queue.
---@return integer
function Queue:fd() end

--- Ends the handle, as husk.release(queue). The queue ends with its last reference, its watches with it.
function Queue:release() end

--- The same, for <close>.
function Queue:close() end

--- The object, or nil.
---@return husk.Object?
function Watch:get() end

--- Takes it out of its queue; whether it was in one.
---@return boolean
function Watch:detach() end

--- Ends the handle; the queue keeps the watch.
function Watch:release() end

--- The same, for <close>.
function Watch:close() end

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

--- A path to an object from what is held from outside: husk.why.
---@class husk.Path
---@field text string
---@field root string
---@field kind "held"|"immortal"|"frozen"
---@field held integer
---@field steps integer
