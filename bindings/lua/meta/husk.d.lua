---@meta husk
--- The functions of the module husk, for the Lua language server; handles.d.lua has the types of what they return. Put
--- the folder of both files into `workspace.library`. tests/lua/reference.lua holds them against the module: every
--- function with its arguments, every figure.

--- References and containers that do not keep their objects alive. husk.weak(x, on_gone) is husk.weak.ref.
---@class husk.weak
---@overload fun(x: husk.Object, on_gone: fun(weak: husk.Weak)?): husk.Weak
local weak = {}

--- A weak reference: w() or w:get() is the object or nil; w.alive is whether it lives, w.state is "alive", "dying" or
--- "dead". on_gone(w) runs once, when the object's memory is back, if w is still held by somebody then: keep it.
--- Without on_gone all ask for the same one.
---@param x husk.Object
---@param on_gone? fun(weak: husk.Weak)
---@return husk.Weak
function weak.ref(x, on_gone) end

--- A weak-key map: m[object] = any Lua value, m[object] = nil removes, #m, pairs. An entry goes with its key, even if
--- the value refers to the key.
---@param entries? table<husk.Object, any>
---@return husk.WeakKeyMap
function weak.keys(entries) end

--- A weak-value map: m[key] = object, with keys as in maps; #m, pairs. An entry goes with its object. It has no
--- methods, every name is a key: husk.clear(m), husk.release(m).
---@param entries? table<any, husk.Object>
---@return husk.WeakValueMap
function weak.values(entries) end

--- A weak set of the objects 1 to #members of a table: set[x], #set, `for x in pairs(set)`.
---@param members? husk.Object[]
---@return husk.WeakSet
function weak.set(members) end

--- Fn(...) runs once: when x is gone, when the result is called, or when the heap closes. The newest of one object
--- runs first. Nobody has to keep the result. Arguments that lead to x keep it alive.
---@param x husk.Object
---@param fn function
---@param ... any
---@return husk.Finalizer
function weak.finalize(x, fn, ...) end

--- A soft reference: it keeps x until memory is short; then the soft references that were used longest ago let go first,
--- and are weak from there on. s() or s:get() is the object or nil, and a use: s holds it again. s.holding is whether it
--- holds now, s.alive and s.state are those of weak references. on_gone(s) runs once, when the object has died, if s is
--- still held by somebody then.
---@param x husk.Object
---@param on_gone? fun(soft: husk.Soft)
---@return husk.Soft
function weak.soft(x, on_gone) end

--- A queue of the dead: q:watch(x, tag), and when x has died q:poll() gives the tag. #q is how many wait. Nothing is called
--- when something dies, and nothing is missed.
---@return husk.Queue
function weak.queue() end

--- How many weak references to x there are.
---@param x husk.Object
---@return integer
function weak.count(x) end

--- These, a table: the shared one first, then the newest first.
---@param x husk.Object
---@return husk.Weak[]
function weak.list(x) end

--- The collector of the default heap, under the names of Python's gc.
---@class husk.gc
---@field callbacks (fun(phase: "start"|"stop", figures: husk.Pass))[] called for each pass, in order
local gc = {}

--- Ends all garbage, cycles through Lua values included; returns how many objects were collected, and the figures of
--- husk.collect as a second result. options as there.
---@param options? { handles: boolean?, young: boolean? }
---@return integer collected
---@return husk.Pass figures
function gc.collect(options) end

--- A pass in steps, a slice of time each, like collectgarbage("step"): heap:step.
---@param seconds? number
---@return boolean finished
---@return husk.Step figures
function gc.step(seconds) end

--- How long the steps of automatic passes take, 0: they run at once; what "incremental" is to collectgarbage: heap:pause.
---@param seconds? number
---@return number seconds
function gc.pause(seconds) end

--- What passes in steps did: heap:steps.
---@return husk.Steps
function gc.steps() end

--- After how many births a run over young pages starts, 0: never; what "generational" is to collectgarbage, and on by
--- default: heap:young.
---@param objects? integer
---@return integer objects
function gc.young(objects) end

--- How many threads a pass over all objects may use: heap:parallel.
---@param threads? integer
---@return integer threads
function gc.parallel(threads) end

--- Lets automatic passes run again; disable nests, so as often as disabled.
function gc.enable() end

--- Stops automatic passes; holder says who asked.
---@param holder? string
function gc.disable(holder) end

--- Whether automatic passes run.
---@return boolean
function gc.isenabled() end

--- By how many objects and bytes the heap has grown since the last pass: two numbers.
---@return integer objects
---@return integer bytes
function gc.count() end

--- The least growth, in objects and in bytes, that starts a pass: two numbers. With arguments it sets them; nil
--- leaves one as it is, 0 as both stops automatic passes.
---@param objects? integer
---@param bytes? integer
---@return integer objects
---@return integer bytes
function gc.threshold(objects, bytes) end

--- How passes are paced now, and why: heap:pacing_state.
---@return husk.PacingState
function gc.state() end

--- What the heap does not grow past without a pass: heap:bound.
---@return husk.Bound
function gc.bound() end

--- The soft limit on memory: heap:soft_limit.
---@param bytes? integer
---@return husk.SoftLimit
function gc.soft_limit(bytes) end

--- Useful work in a quiet moment: heap:idle.
---@param seconds number
---@return husk.Idle
function gc.idle(seconds) end

--- Passes at allocations, to find missing references early: heap:stress.
---@param settings? { every: integer?, seed: integer? }
---@return husk.Stress
function gc.stress(settings) end

--- Calls fn(...) in a region without passes, with a budget as for heap:no_gc_begin, and returns how the region went
--- (heap:no_gc_end) and what fn returned. An error of fn ends the region, too.
---@param budget { objects: integer?, bytes: integer?, reserve: boolean?, holder: string? }
---@param fn function
---@param ... any
---@return husk.Region region
---@return any ...
function gc.without(budget, fn, ...) end

--- A table of cumulative figures for each generation: the first one of passes over all objects, the second of runs over
--- young pages.
---@return husk.Generation[]
function gc.stats() end

--- Handles of all live objects, or of those of one class.
---@param class? husk.Class
---@return husk.Object[]
function gc.objects(class) end

--- Which objects refer to x.
---@param x husk.Object
---@return husk.Object[]
function gc.referrers(x) end

--- What x refers to, once for each slot.
---@param x husk.Object
---@return any[]
function gc.referents(x) end

--- Whether passes look at objects of its type.
---@param x husk.Object
---@return boolean
function gc.is_tracked(x) end

--- Whether its finalizer has run.
---@param x husk.Object
---@return boolean
function gc.is_finalized(x) end

--- What collect{handles = false} would do, without doing it. Options: objects, how many are listed one by one; handles = false:
--- Lua's collector does not run before. tostring: as lines.
---@param options? { objects: integer?, handles: boolean? }
---@return husk.DryRun
function gc.dry_run(options) end

--- Who is held from outside: references that no slot accounts for, handles of Lua among them. Options: objects, how many are
--- listed one by one; by = "place": rows by type and place. tostring: as lines.
---@param options? { objects: integer?, by: "type"|"place"|nil }
---@return husk.Hidden
function gc.hidden(options) end

--- How many references to x no slot accounts for, the handle that asks among them; below 0: the heap is damaged; nil: not
--- known, x is immortal. A result for each argument, which are all of one heap. Goes through the whole heap, once.
---@param x husk.Object
---@param ... husk.Object
---@return integer? ...
function gc.hidden_of(x, ...) end

--- Finding leaks: passes free nothing and tell each unreachable object once, to a function or (true) to the error hook;
--- false: off. Without arguments: whether it is on. Finalizers do not run, counts and weak references stay as they are.
---@param on? boolean|fun(report: husk.Leaks)
---@param options? { objects: integer? }
---@return boolean?
function gc.find_leaks(on, options) end

--- What was told so far and is unreachable still.
---@param options? { objects: integer? }
---@return husk.Leaks
function gc.leaks(options) end

--- Sets all present objects aside: passes skip them. Before a fork.
function gc.freeze() end

--- Takes them back.
function gc.unfreeze() end

--- How many objects are set aside.
---@return integer
function gc.freeze_count() end

--- The records of the latest n passes, or of the latest 64, the oldest first: see heap:pass.
---@param n? integer
---@return husk.PassRecord[]
function gc.passes(n) end

--- How long the program waited for passes: see heap:pauses.
---@param mode? "full"|"young"|"step"|"any"
---@param percent? number
---@return husk.Pauses|integer
function gc.pauses(mode, percent) end

--- The pauses as buckets: see heap:pause_histogram.
---@param mode? "full"|"young"|"step"|"any"
---@return husk.PauseBucket[]
function gc.histogram(mode) end

--- gcstat(true) shows the passes of this process to `husk gcstat` and others of the same user, as HUSK_GCSTAT=1 does;
--- gcstat(false) ends that. gcstat() asks.
---@param on? boolean
---@return boolean
function gc.gcstat(on) end

--- The heaps of a process that shows them, as their latest passes left them.
---@param pid integer
---@return husk.GCStat[]
function gc.gcstat_read(pid) end

--- The numbers of this user's processes that show their passes, in order.
---@return integer[]
function gc.gcstat_list() end

--- What was found and kept (debug{saveall = true}), a table of handles.
---@return husk.Object[]
function gc.garbage() end

--- Lets it go.
function gc.clear_garbage() end

--- The debug flags, a table, and with a table it sets those that the table names. saveall: garbage is finalized and
--- kept (husk.gc.garbage). stats: a line on stderr after each pass.
---@param changes? { saveall: boolean?, stats: boolean? }
---@return { saveall: boolean, stats: boolean }
function gc.debug(changes) end

--- Who holds references, taken where: the ledger of the default heap. husk.ledger(heap) has the same functions for
--- another heap.
---@class husk.ledger
---@overload fun(heap: husk.Heap?): husk.ledger
local ledger = {}

--- Starts a ledger. Options: types, a list of classes of husk.type and of names ("list", "Node"), without it all; frames,
--- the most of a place, 12 by default; sources, a name or a list of "lua" (the default: Lua's frames), "native" (those of
--- C code), "all"; deaths, how many are remembered, 1024; max_bytes of the ledger, 256 MiB: what finds no room is lost, and
--- counted. True; or false, and nothing changes, if it is on already.
---@param options? husk.LedgerOptions
---@return boolean
function ledger.start(options) end

--- Stops, and forgets everything.
function ledger.stop() end

--- Whether there is one.
---@return boolean
function ledger.is_on() end

--- Forgets the entries: what is referred to now is "before".
function ledger.clear() end

--- Takes a class in, or out with all its objects (on is false).
---@param class husk.Class
---@param on? boolean
function ledger.choose(class, on) end

--- Figures, a table: objects, entries, before, lost, unpaired (releases), retains, releases, missed (objects that found no
--- room), own_bytes, max_bytes, frames. All 0 when off.
---@return husk.LedgerFigures
function ledger.figures() end

--- Calls fn(...); plain retains of C code meanwhile are by this owner, the innermost one if there are several. Returns what
--- fn returns. Without fn it returns a value for `local _ <close> = ...`. While there is no ledger fn is called all the same.
---@param text string
---@param fn? function
---@param ... any
---@return any ...
function ledger.owner(text, fn, ...) end

--- The open entries of all objects of a class, by default of all, that no slot accounts for, those alike together, the
--- most first: a list as of husk.ledger.of.
---@param class? husk.Class
---@return husk.LedgerRows
function ledger.all(class) end

--- The object that has this number in the ledger, or nil.
---@param number integer
---@return husk.Object?
function ledger.find(number) end

--- What the ledger knows of x, a handle or a weak reference; nil if that is in none, or gone.
---@param x husk.Object
---@return husk.LedgerRows?
function ledger.of(x) end

--- The same rows, but only retains that were never paired with a release: without the slots that hold x now (husk.why shows
--- them) and without the handle that x is.
---@param x husk.Object
---@return husk.LedgerRows?
function ledger.unpaired(x) end

--- Who asked for the bytes: tracing of the default heap. husk.trace(heap) has the same functions for another heap,
--- husk.trace.process for the memory of the process that is no object.
---@class husk.trace
---@field process husk.trace
---@overload fun(heap: husk.Heap?): husk.trace
local trace = {}

--- Starts tracing: the number of frames of a traceback, 1 by default, up to 65535; or a table: frames; sample, the mean
--- number of bytes between samples (exact without it; 512 * 1024 costs next to nothing); sources, a name or a list of
--- "lua" (the default: Lua's frames), "native" (those of C code), "all"; epoch_ms, how finely ages are told, 1000 by
--- default; seed, for samples that can be repeated. True; or false, and nothing changes, if it is on already. The
--- environment can start it too: HUSK_TRACE=frames or HUSK_TRACE=frames:sample.
---@param options? integer|husk.TraceOptions
---@return boolean
function trace.start(options) end

--- Stops, and forgets everything.
function trace.stop() end

--- Forgets what was made so far.
function trace.clear() end

--- Whether it is on.
---@return boolean
function trace.is_tracing() end

--- The most frames of a traceback, in force or for the next start.
---@return integer
function trace.limit() end

--- Bytes of what was traced and is alive, and the most there were: two numbers, 0 when off.
---@return integer current
---@return integer peak
function trace.memory() end

--- More figures, a table: bytes, count, peak_bytes, peak_count, born, born_bytes, temporary (died before the next
--- birth), unknown, places, own_bytes (the tracer's own memory), sample_bytes.
---@return husk.Traced
function trace.figures() end

--- The peak becomes what is alive now.
function trace.reset_peak() end

--- Begins a new stretch of time: the filter "since=name" passes what was made after it.
---@param name string
function trace.mark(name) end

--- Calls fn(...); what is made meanwhile carries the tag, the innermost one if there are several. Returns what fn
--- returns. Without fn it returns a value for `local _ <close> = ...`, which ends the tag. While not tracing there are
--- no tags, and fn is called all the same. Tags are the heap's: a coroutine that yields inside leaves its tag to the
--- others.
---@param text string
---@param fn? function
---@param ... any
---@return any ...
function trace.tag(text, fn, ...) end

--- The same for the domain, by which snapshots can be filtered and grouped too.
---@param text string
---@param fn? function
---@param ... any
---@return any ...
function trace.domain(text, fn, ...) end

--- The same without a scope. Up to 64 deep.
---@param text string
function trace.push_tag(text) end

--- The same without a scope. Up to 64 deep.
---@param text string
function trace.push_domain(text) end

--- Takes the innermost one off.
function trace.pop_tag() end

--- Takes the innermost one off.
function trace.pop_domain() end

--- Where x was made: a list of frames, the newest first, each a table with file, line and function; nil if x was not
--- traced. tostring makes lines of it.
---@param x husk.Object
---@return husk.Traceback?
function trace.of(x) end

--- Memory that somebody else manages was had at this address, an integer or a light userdata; it replaces what was noted
--- for it. domain is a number, 0 by default; the same address may live in several. HUSK_ESTATE unless
--- husk.trace.process.start() was called.
---@param address integer|lightuserdata
---@param size integer
---@param domain? integer
function trace.block(address, size, domain) end

--- It is gone. Unknown ones are fine.
---@param address integer|lightuserdata
---@param domain? integer
function trace.unblock(address, domain) end

--- Where it was had, as husk.trace.of.
---@param address integer|lightuserdata
---@param domain? integer
---@return husk.Traceback?
function trace.of_block(address, domain) end

--- The state of a heap at one moment: taken from a live heap, or loaded from a file.
---@class husk.snapshot
local snapshot = {}

--- Takes one of the default heap and of the process's traced blocks. Options: heap, another heap, or false for the blocks
--- alone; edges = false, process = false, blocks = false leave out references, what the system says, and blocks; maps =
--- true keeps the list of the process's mappings; max_bytes is a limit of its size: references are left out to keep it.
--- Not inside a hook of the heap (HUSK_EBUSY).
---@param options? { heap: husk.Heap|false|nil, edges: boolean?, process: boolean?, blocks: boolean?, maps: boolean?, max_bytes: integer? }
---@return husk.Snapshot
function snapshot.take(options) end

--- Reads one from a file, which is checked to the last byte: HUSK_EIO, HUSK_EFORMAT.
---@param path string
---@return husk.Snapshot
function snapshot.load(path) end

--- Takes and saves in a forked child, so that this process stops for the fork alone. The result's wait() waits for it and
--- raises what went wrong there; it is waited for at the latest when it is collected.
---@param path string
---@param options? table
---@return husk.Child
function snapshot.fork(path, options) end

--- The forms of exports, a list of tables: name, suffix of files, about.
---@return { name: string, suffix: string, about: string }[]
function snapshot.formats() end

--- The form that a file of this name would have, or nil.
---@param path string
---@return string?
function snapshot.guess(path) end

--- What statistics can be grouped by, and sorted by: lists of names.
---@return string[]
function snapshot.groups() end

--- What statistics can be grouped by, and sorted by: lists of names.
---@return string[]
function snapshot.sorts() end

--- Bytes in words, "1.2 MiB"; with sign = true "+1.2 MiB".
---@param bytes number
---@param sign? boolean
---@return string
function snapshot.size(bytes, sign) end

--- One self-contained HTML page about snapshots, the oldest first: flame graph, tables, differences, memory over time.
--- target as of export. Options: title; names, a list, one for each; max_bytes.
---@param snapshots husk.Snapshot[]
---@param target string|fun(piece: string)|file*|nil
---@param options? { title: string?, names: string[]?, max_bytes: integer? }
---@return string?
function snapshot.report(snapshots, target, options) end

---@class husk
---@field default husk.Heap
---@field weak husk.weak
---@field gc husk.gc
---@field trace husk.trace
---@field ledger husk.ledger
---@field memory husk.memory
---@field snapshot husk.snapshot
local husk = {}

--- The class of a record, or nil.
---@param record any
---@return husk.Class?
function husk.class(record) end

--- The fields of a record or the entries of a map, from a table, in one call. A value that cannot be stored is found
--- before anything is; a map that runs out of memory keeps what it has taken.
---@param x husk.Record|husk.Map
---@param entries table
function husk.update(x, entries) end

--- Ends the handle, and the object if it was the last reference. A dead handle is fine.
---@param x husk.Object
function husk.release(x) end

--- Takes everything out of a container.
---@param x husk.List|husk.Map|husk.WeakKeyMap|husk.WeakValueMap|husk.WeakSet
function husk.clear(x) end

--- References to x, exactly; the handle that asks is one of them.
---@param x husk.Object
---@return integer
function husk.getrefcount(x) end

--- The same without that handle.
---@param x husk.Object
---@return integer
function husk.refcount(x) end

--- Weak references to x.
---@param x husk.Object
---@return integer
function husk.weakcount(x) end

--- Bytes of its block.
---@param x husk.Object
---@return integer
function husk.size(x) end

--- "record", "list", "map", "box", "weak", "weakkeymap", "weakvaluemap", "weakset", "other", "heap", "dead", or nil
--- for what is nothing of Husk's.
---@param x any
---@return string?
function husk.kind(x) end

--- The name of its type, also of a dead handle.
---@param x any
---@return string?
function husk.typename(x) end

--- Its heap.
---@param x husk.Object
---@return husk.Heap
function husk.heap_of(x) end

--- Whether x is a handle, and not a dead one.
---@param x any
---@return boolean
function husk.isalive(x) end

--- Whether passes look at objects of its type.
---@param x husk.Object
---@return boolean
function husk.is_tracked(x) end

--- Whether its finalizer has run.
---@param x husk.Object
---@return boolean
function husk.is_finalized(x) end

--- Whether husk.freeze has set it aside.
---@param x husk.Object
---@return boolean
function husk.is_frozen(x) end

--- Whether it is condemned: seen only in finalizers.
---@param x husk.Object
---@return boolean
function husk.is_dying(x) end

--- What x refers to, once for each slot: a table.
---@param x husk.Object
---@return any[]
function husk.referents(x) end

--- Which objects refer to x: a table.
---@param x husk.Object
---@return husk.Object[]
function husk.referrers(x) end

--- What keeps x alive: up to limit paths (1 by default, at most 64), the shortest first. The second result is what is known
--- if there is no path. x is a handle, whose own reference is no reason (which variables of Lua have it only Lua knows); or a
--- weak or soft reference, a cleanup or a watch, then of its object, handles among the reasons: nil if that is gone.
---@param x husk.Object
---@param limit? integer
---@return husk.Path[]?
---@return string?
function husk.why(x, limit) end

--- The version of the library.
---@return string
function husk.version() end

--- Bytes that all heaps of the process hold.
---@return integer
function husk.memory_held() end

--- Requests for memory made to the system.
---@return integer
function husk.memory_requests() end

--- How the library gets its memory.
---@return string
function husk.memory_mode() end

--- A heap of its own. Options: name, for messages; max_bytes, the limit of what it takes from the system; stress, a
--- pass at every allocation. It lives as long as it or a handle of it.
---@param options? { name: string?, max_bytes: integer?, stress: boolean? }
---@return husk.Heap
function husk.heap(options) end

--- A record type. Class{field = value} makes an object with these fields and no others in the default heap,
--- Class(fields, heap) in another. Functions put into the class are methods of its objects. options.finalize is a
--- function(self) that runs once, when an object ends, with all fields still there; its handle `self` is valid until
--- it returns. To bring the object back, store it in the heap. Asking again with the same name, fields and function
--- gives the same class. A type stays as long as the Lua state, and so does what its finalizer holds.
---@param name string
---@param fields string[]
---@param options? { finalize: fun(self: husk.Record)? }
---@return husk.Class
function husk.type(name, fields, options) end

--- A list, with the items 1 to #items of a table: l[i] from 1, l[#l + 1] = v, #l, pairs, ipairs.
---@param items? any[]
---@return husk.List
function husk.list(items) end

--- A map in the order of insertion, with the entries of a table: m.key, m[key], m[key] = nil removes, #m, pairs. It
--- has no methods, every name is a key: husk.clear(m), husk.release(m).
---@param entries? table
---@return husk.Map
function husk.map(entries) end

--- An object that keeps any Lua value: b.value, or b:get().
---@param value any
---@return husk.Box
function husk.box(value) end

--- Many records with edges between them in one call. spec[1], spec[2], ... are classes, or tables {class, field =
--- value, ...}; spec.edges is {from, field, to, from, field, to, ...} with the numbers of records; spec.handles the
--- numbers of those whose handles are returned, in a table; without it, of all. An error stores nothing.
---@param spec husk.Graph
---@return husk.Record[]
function husk.build(spec) end

--- Weak containers in this heap: husk.weak.
---@param entries? table<husk.Object, any>
---@return husk.WeakKeyMap
function husk.weak_keys(entries) end

--- Weak containers in this heap: husk.weak.
---@param entries? table<any, husk.Object>
---@return husk.WeakValueMap
function husk.weak_values(entries) end

--- Weak containers in this heap: husk.weak.
---@param members? husk.Object[]
---@return husk.WeakSet
function husk.weak_set(members) end

--- Ends all garbage and returns what was done, a table: collected, finalized, resurrected, weak_cleared, examined,
--- bytes and others. Handles that Lua has not collected yet are references, so Lua's own collector runs with it and
--- is shown the paths from handles to boxed values: cycles through Lua values end too, in rounds, until one frees
--- none. collect{handles = false} is one pass over the heap alone. collect{young = true} is a run over young pages: objects
--- on pages that have served births since a pass last looked at them. It costs nothing for the rest of the heap and ends
--- cycles that are held by young objects alone; Lua's collector runs before it only with handles = true. generation in the
--- result: 0, all objects; 1, the young ones.
---@param options? { handles: boolean?, young: boolean? }
---@return husk.Pass
function husk.collect(options) end

--- Goes on with a pass in steps, or begins one, for about so long (0.00001 to 10; 0.001 by default), like
--- collectgarbage("step"). Returns whether the pass is over, and its figures so far, as of collect, with took, the seconds
--- of this step. The pass looks at the same objects as collect{handles = false}; what needs its tables meanwhile, such as
--- collect, verify and snapshots, gives it up, and the next step begins anew.
---@param seconds? number
---@return boolean finished
---@return husk.Step figures
function husk.step(seconds) end

--- How long the steps of automatic passes take, about; 0, the default: such a pass runs at once. With an argument it sets
--- it: 0, or 0.00001 to 10.
---@param seconds? number
---@return number seconds
function husk.pause(seconds) end

--- Passes in steps, a table: begun, finished, given_up, hurried (at once, because of the bound on memory); steps, late
--- (more than one and a half times their budget), longest_ns; nominated objects and mistaken, those of them that were
--- alive; under_way.
---@return husk.Steps
function husk.steps() end

--- After how many births, net of deaths by counting, a run over young pages starts by itself; 4096 by default, 0: never.
--- With an argument it sets it: 0, or 64 to 2^24. Where growth starts no passes
--- (pacing), there are none of these either.
---@param objects? integer
---@return integer objects
function husk.young(objects) end

--- How many threads a pass over all objects may use, Lua's own among them, 1 to 8; 1, the default: no others. With an
--- argument it sets it. Only heaps of 2 * 10^6 objects and more use them; the threads run no Lua.
---@param threads? integer
---@return integer threads
function husk.parallel(threads) end

--- What collect{handles = false} would end, without ending it. Lua's collector runs before, unless handles = false.
---@param options? { handles: boolean? }
---@return husk.Pass
function husk.collect_dry(options) end

--- What collect{handles = false} would do, without doing it. Options: objects, how many are listed one by one; handles = false:
--- Lua's collector does not run before. tostring: as lines.
---@param options? { objects: integer?, handles: boolean? }
---@return husk.DryRun
function husk.dry_run(options) end

--- Who is held from outside: references that no slot accounts for, handles of Lua among them. Options: objects, how many are
--- listed one by one; by = "place": rows by type and place. tostring: as lines.
---@param options? { objects: integer?, by: "type"|"place"|nil }
---@return husk.Hidden
function husk.hidden(options) end

--- Finding leaks: passes free nothing and tell each unreachable object once, to a function or (true) to the error hook;
--- false: off. Without arguments: whether it is on. Finalizers do not run, counts and weak references stay as they are.
---@param on? boolean|fun(report: husk.Leaks)
---@param options? { objects: integer? }
---@return boolean?
function husk.find_leaks(on, options) end

--- What was told so far and is unreachable still.
---@param options? { objects: integer? }
---@return husk.Leaks
function husk.leaks(options) end

--- Does what waits for a moment at which hooks may run.
function husk.safepoint() end

--- Asks for a pass at the next safe point or allocation.
function husk.request() end

--- Stops automatic passes until enabled as often as disabled. holder says who asked.
---@param holder? string
function husk.disable(holder) end

--- The other way; HUSK_ESTATE if it is not disabled.
function husk.enable() end

--- Whether automatic passes run.
---@return boolean
function husk.is_enabled() end

--- Whether automatic passes run.
---@return boolean
function husk.isenabled() end

--- Who disabled it, from 0, the latest last; nil beyond.
---@param i integer
---@return string?
function husk.disabled_by(i) end

--- The pacing of automatic passes, a table: least_objects, least_bytes, factor, factor_max. With a table it changes
--- what the table names.
---@param changes? husk.Pacing
---@return husk.Pacing
function husk.pacing(changes) end

--- How passes are paced now, a table: factor, the one in force; why, "set", "yield" or "time"; at_most, whether it is
--- factor_max; time_share of the last automatic passes (timed of them), and time_kept, whether it is within its goal of a
--- tenth; yield of the last pass, last_ns, and object_ns, what an object costs; automatic passes and automatic_examined,
--- the objects that they looked at.
---@return husk.PacingState
function husk.pacing_state() end

--- What is not passed without a pass over all, a table: objects, bytes (nil: not bounded); garbage_objects and
--- garbage_bytes, what may be uncollected garbage now at most, and new_objects of these; deferred_objects, garbage that
--- waits for a safe point; kept, and if not, why, and the holder.
---@return husk.Bound
function husk.bound() end

--- The soft limit, a table: bytes, exceeded, held_back, most_over, passes, held_back_times. bytes sets it, 1 MiB or more;
--- 0: none. When the bytes taken come to it pages go back and a pass runs; no allocation fails, and passes for it take at
--- most half of the time.
---@param bytes? integer
---@return husk.SoftLimit
function husk.soft_limit(bytes) end

--- No automatic pass until the heap has grown by budget.objects or budget.bytes, or until no_gc_end. budget.reserve: the
--- pages for the bytes are taken now. budget.holder says who asked.
---@param budget { objects: integer?, bytes: integer?, reserve: boolean?, holder: string? }
function husk.no_gc_begin(budget) end

--- Ends it and says how it went, a table: kept, why ("kept", "budget", "limit", "asked"), the budget, grown_objects,
--- grown_bytes, holder.
---@return husk.Region
function husk.no_gc_end() end

--- The same while it lasts, with active; nil outside of one.
---@return husk.Region?
function husk.no_gc() end

--- Useful work in a quiet moment, for about so long (0.001 to 3600): what waits for a safe point, a pass if it is worth
--- one, in steps if it does not fit, spare pages. A table: served, passed, stepped, trimmed, what was done; collected,
--- bytes_back, took; more, whether it is worth calling again; expected, the seconds of a pass at once.
---@param seconds number
---@return husk.Idle
function husk.idle(seconds) end

--- A pass at each settings.every-th allocation, 0: off; with a seed at random ones, every-th in the mean. Returns the
--- settings, a table: every, seed.
---@param settings? { every: integer?, seed: integer? }
---@return husk.Stress
function husk.stress(settings) end

--- The growth since the last pass and its limits, a table: grown_objects, grown_bytes, limit_objects, limit_bytes.
---@return husk.Counts
function husk.counts() end

--- Cumulative figures of a generation, a table: passes, collected and others. Generation 0, the default, is that of passes
--- over all objects, 1 that of runs over young pages.
---@param generation? integer
---@return husk.Generation
function husk.stats(generation) end

--- Calls fn("start" or "stop", figures) before and after each pass. Returns a number for off_pass.
---@param fn fun(phase: "start"|"stop", figures: husk.Pass)
---@return integer
function husk.on_pass(fn) end

--- No longer.
---@param id integer
function husk.off_pass(id) end

--- Save_all(true): garbage is finalized and then kept, on the list that garbage() shows. save_all() asks.
---@param on? boolean
---@return boolean
function husk.save_all(on) end

--- The garbage that save_all kept, a table of handles.
---@return husk.Object[]
function husk.garbage() end

--- How many.
---@return integer
function husk.garbage_count() end

--- Why entry i, from 0, is there.
---@param i integer
---@return string?
function husk.garbage_reason(i) end

--- Lets them go.
function husk.garbage_clear() end

--- Sets all present objects aside: passes skip them. For fork.
function husk.freeze() end

--- No longer.
function husk.unfreeze() end

--- The number of the latest pass; 0: there was none.
---@return integer
function husk.pass_count() end

--- What one pass did and why. The latest 64 are there; figures.number of a callback names one.
---@param number integer
---@return husk.PassRecord
function husk.pass(number) end

--- The records of the latest passes, the oldest first: n of them, or all that there are.
---@param n? integer
---@return husk.PassRecord[]
function husk.passes(n) end

--- The sums of all passes of a mode.
---@param mode "full"|"young"|"step"
---@return husk.PassSums
function husk.pass_sums(mode) end

--- How long the program waited for passes of a mode, of all without one. With percent: that percentile in nanoseconds.
---@param mode? "full"|"young"|"step"|"any"
---@param percent? number
---@return husk.Pauses|integer
function husk.pauses(mode, percent) end

--- The same as buckets, those that are not empty.
---@param mode? "full"|"young"|"step"|"any"
---@return husk.PauseBucket[]
function husk.pause_histogram(mode) end

--- Checks the whole heap: true, or an error that names the damage.
---@return true
function husk.verify() end

--- Handles of all live objects, or of those of one class, in address order.
---@param class? husk.Class
---@return husk.Object[]
function husk.objects(class) end

--- How many objects there are of each type, by its name. Makes no handles.
---@return table<string, integer>
function husk.census() end

--- The heap's figures, a table: objects, object_bytes, bytes_taken, bytes_peak and others.
---@return husk.Figures
function husk.figures() end

--- How many objects of each type are alive: a list of tables, type, count, bytes, in the order in which the types were
--- made. Counted when asked, exactly.
---@return { type: string, count: integer, bytes: integer }[]
function husk.types() end

--- How its memory is used by size class: a list of tables. tostring makes a table with sums of it.
---@return husk.Classes
function husk.classes() end

--- How many functions of husk.weak.finalize are still to run.
---@return integer
function husk.cleanups() end

--- A queue of the dead in the default heap: husk.weak.queue.
---@return husk.Queue
function husk.queue() end

--- Soft references let go, all but the `keep` most recently used; without keep, all. Returns how many.
---@param keep? integer
---@return integer
function husk.yield_softs(keep) end

--- When else they let go: Heap:soft_policy.
---@param changes? { max_age: integer?, keep: integer? }
---@return { max_age: integer, keep: integer }
function husk.soft_policy(changes) end

--- Soft references of the default heap, a table: Heap:soft_figures.
---@return { references: integer, holding: integer, by_call: integer, by_age: integer, by_pressure: integer, by_limit: integer, regained: integer }
function husk.soft_figures() end

--- Changes the limit; 0: none.
---@param bytes integer
function husk.set_max_bytes(bytes) end

--- The death budget: how many objects end, and callbacks run, in one release at most; 0, the default: all. What is
--- left is dead already; later releases, allocations and safe points go on, each with the same budget. collect, verify and
--- snapshots end all of it first.
---@param most integer
function husk.set_death_budget(most) end

--- The death budget; 0: none.
---@return integer
function husk.death_budget() end

--- Gives empty pages back to the system; returns the bytes.
---@return integer
function husk.trim() end

--- Calls fn(code, text, heap_name) for errors of hooks; nil: a line on stderr.
---@param fn? fun(code: string, text: string, heap_name: string)
function husk.on_error(fn) end

--- Hands an error to that function.
---@param text string
function husk.report(text) end

return husk
