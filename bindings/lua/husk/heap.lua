-- husk.heap: heaps. Everything here is a method of a heap, and at the same time a function of the module that works on
-- the default heap: heap:list{} and husk.list{}.

local core = require "husk.core"

local heap = core.heap -- the methods of heaps
require "husk.survey" -- adds some
local module = {methods = heap}

module.default = core.new_heap("default", nil, false, true)

-- heap:name(): what reports call it.
-- heap:closed(): whether it is closed.
-- heap:close(): ends the heap: cleanups that want it run, all handles end, then finalizers run, and every byte is
-- given back. Handles are dead afterwards. Not inside a hook of its own (HUSK_EBUSY).

-- husk.heap(options): a heap of its own. Options: name, for messages; max_bytes, the limit of what it takes from the
-- system; stress, a pass at every allocation. It lives as long as it or a handle of it.
function module.new(options)
  options = options or {}
  if type(options) ~= "table" then
    core.fail("husk.heap: a table of options expected, got " .. type(options))
  end
  for key in pairs(options) do
    if key ~= "name" and key ~= "max_bytes" and key ~= "stress" then
      core.fail("husk.heap: unknown option '" .. tostring(key) .. "'; there are name, max_bytes, stress")
    end
  end
  return core.new_heap(options.name, options.max_bytes, options.stress)
end

-- ---- making objects ----

-- heap:list(items): a list, with the items 1 to #items of a table: l[i] from 1, l[#l + 1] = v, #l, pairs, ipairs.
heap.list = core.new_list

-- list:append(value): puts it at the end.
-- list:extend(items): appends the items 1 to #items of a table: all of them, or none if one cannot be stored.
-- list:insert(i, value): puts it before item i.
-- list:remove(i): takes item i out, the last one by default, and returns it.
-- list:clear(): takes all items out.
-- list:release(): ends the handle, as husk.release(list).
-- list:close(): the same, for <close>.

-- heap:map(entries): a map in the order of insertion, with the entries of a table: m.key, m[key], m[key] = nil removes,
-- #m, pairs. It has no methods, every name is a key: husk.clear(m), husk.release(m).
heap.map = core.new_map

-- heap:box(value): an object that keeps any Lua value: b.value, or b:get().
heap.box = core.new_box

-- box:get(): the value; the same as box.value.
-- box:release(): ends the handle, as husk.release(box).
-- box:close(): the same, for <close>.

-- heap:new(class, fields): a record of a class of husk.type in this heap.
heap.new = core.new_record

-- heap:build(spec): many records with edges between them in one call. spec[1], spec[2], ... are classes, or tables
-- {class, field = value, ...}; spec.edges is {from, field, to, from, field, to, ...} with the numbers of records;
-- spec.handles the numbers of those whose handles are returned, in a table; without it, of all. An error stores
-- nothing.

-- heap:weak_keys(entries), heap:weak_values(entries), heap:weak_set(members): weak containers in this heap: husk.weak.
local function filled(make, name)
  return function(self, entries)
    if entries ~= nil and type(entries) ~= "table" then
      core.fail(("%s: a table expected, got %s"):format(name, type(entries)))
    end
    local container = make(self)
    for key, value in next, entries or {} do container[key] = value end
    return container
  end
end
heap.weak_keys = filled(core.new_weak_keys, "weak_keys")
heap.weak_values = filled(core.new_weak_values, "weak_values")
function heap:weak_set(members)
  if members ~= nil and type(members) ~= "table" then
    core.fail("weak_set: a table expected, got " .. type(members))
  end
  local set = core.new_weak_set(self)
  for i = 1, members and #members or 0 do set:add(members[i]) end
  return set
end

-- ---- collecting ----

local pass_young = heap.collect_young
local pass, rounds, handles, dry = heap.collect, heap.collect_all, heap.collect_handles, heap.collect_dry
heap.collect_all, heap.collect_handles, heap.collect_young = nil, nil, nil

local function with_handles(options)
  if options ~= nil and type(options) ~= "table" then
    core.fail("collect: a table of options expected, got " .. type(options))
  end
  return not (options and options.handles == false)
end

-- heap:collect(options): ends all garbage and returns what was done, a table: collected, finalized, resurrected,
-- weak_cleared, examined, bytes and others. Handles that Lua has not collected yet are references, so Lua's own collector
-- runs with it and is shown the paths from handles to boxed values: cycles through Lua values end too, in rounds, until
-- one frees none. collect{handles = false} is one pass over the heap alone.
-- collect{young = true} is a run over young pages: objects on pages that have served births since a pass last looked at
-- them. It costs nothing for the rest of the heap and ends cycles that are held by young objects alone; Lua's collector
-- runs before it only with handles = true. generation in the result: 0, all objects; 1, the young ones.
function heap:collect(options)
  local all = with_handles(options)
  local only_young = options and options.young
  if only_young ~= nil and type(only_young) ~= "boolean" then
    core.fail("collect: young is true or false, not a " .. type(only_young))
  end
  if not only_young then return (all and rounds or pass)(self) end
  if options.handles then handles(self) end
  return pass_young(self)
end

-- heap:step(seconds): goes on with a pass in steps, or begins one, for about so long (0.00001 to 10; 0.001 by default), like
-- collectgarbage("step"). Returns whether the pass is over, and its figures so far, as of collect, with took, the seconds
-- of this step. The pass looks at the same objects as collect{handles = false}; what needs its tables meanwhile, such as
-- collect, verify and snapshots, gives it up, and the next step begins anew.
-- heap:pause(seconds): how long the steps of automatic passes take, about; 0, the default: such a pass runs at once. With
-- an argument it sets it: 0, or 0.00001 to 10.
-- heap:steps(): passes in steps, a table: begun, finished, given_up, hurried (at once, because of the bound on memory);
-- steps, late (more than one and a half times their budget), longest_ns; nominated objects and mistaken, those of them
-- that were alive; under_way.

-- heap:young(objects): after how many births, net of deaths by counting, a run over young pages starts by itself; 4096 by
-- default, 0: never. With an argument it sets it: 0, or 64 to 2^24. Where growth starts no passes
-- (pacing), there are none of these either.
local set_young, get_young = heap.set_young, heap.young
heap.set_young = nil
function heap:young(objects)
  if objects ~= nil then set_young(self, objects) end
  return get_young(self)
end

-- heap:parallel(threads): how many threads a pass over all objects may use, Lua's own among them, 1 to 8; 1, the default:
-- no others. With an argument it sets it. Only heaps of 2 * 10^6 objects and more use them; the threads run no Lua.
local set_parallel, get_parallel = heap.set_parallel, heap.parallel
heap.set_parallel = nil
function heap:parallel(threads)
  if threads ~= nil then set_parallel(self, threads) end
  return get_parallel(self)
end

-- heap:collect_dry(options): what collect{handles = false} would end, without ending it. Lua's collector runs before,
-- unless handles = false.
function heap:collect_dry(options)
  if with_handles(options) then handles(self) end
  return dry(self)
end

-- heap:safepoint(): does what waits for a moment at which hooks may run.
-- heap:request(): asks for a pass at the next safe point or allocation.
-- heap:disable(holder): stops automatic passes until enabled as often as disabled. holder says who asked.
-- heap:enable(): the other way; HUSK_ESTATE if it is not disabled.
-- heap:is_enabled(), heap:isenabled(): whether automatic passes run.
heap.isenabled = heap.is_enabled
-- heap:disabled_by(i): who disabled it, from 0, the latest last; nil beyond.

-- heap:pacing(changes): the pacing of automatic passes, a table: least_objects, least_bytes, factor, factor_max. With
-- a table it changes what the table names.
local get_pacing, set_pacing = heap.get_pacing, heap.set_pacing
heap.get_pacing, heap.set_pacing = nil, nil
function heap:pacing(changes)
  if changes ~= nil then set_pacing(self, changes) end
  return get_pacing(self)
end

-- heap:pacing_state(): how passes are paced now, a table: factor, the one in force; why, "set", "yield" or "time"; at_most,
-- whether it is factor_max; time_share of the last automatic passes (timed of them), and time_kept, whether it is within
-- its goal of a tenth; yield of the last pass, last_ns, and object_ns, what an object costs; automatic passes and
-- automatic_examined, the objects that they looked at.
-- heap:bound(): what is not passed without a pass over all, a table: objects, bytes (nil: not bounded); garbage_objects and
-- garbage_bytes, what may be uncollected garbage now at most, and new_objects of these; deferred_objects, garbage that waits
-- for a safe point; kept, and if not, why, and the holder.

-- heap:soft_limit(bytes): the soft limit, a table: bytes, exceeded, held_back, most_over, passes, held_back_times. bytes sets
-- it, 1 MiB or more; 0: none. When the bytes taken come to it pages go back and a pass runs; no allocation fails, and
-- passes for it take at most half of the time.
local set_soft_limit, get_soft_limit = heap.set_soft_limit, heap.get_soft_limit
heap.set_soft_limit, heap.get_soft_limit = nil, nil
function heap:soft_limit(bytes)
  if bytes ~= nil then set_soft_limit(self, bytes) end
  return get_soft_limit(self)
end

-- heap:no_gc_begin(budget): no automatic pass until the heap has grown by budget.objects or budget.bytes, or until
-- no_gc_end. budget.reserve: the pages for the bytes are taken now. budget.holder says who asked.
-- heap:no_gc_end(): ends it and says how it went, a table: kept, why ("kept", "budget", "limit", "asked"), the budget,
-- grown_objects, grown_bytes, holder.
-- heap:no_gc(): the same while it lasts, with active; nil outside of one.

-- heap:idle(seconds): useful work in a quiet moment, for about so long (0.001 to 3600): what waits for a safe point, a pass
-- if it is worth one, in steps if it does not fit, spare pages. A table: served, passed, stepped, trimmed, what was done;
-- collected, bytes_back, took; more, whether it is worth calling again; expected, the seconds of a pass at once.

-- heap:stress(settings): a pass at each settings.every-th allocation, 0: off; with a seed at random ones, every-th in the
-- mean. Returns the settings, a table: every, seed.

-- heap:counts(): the growth since the last pass and its limits, a table: grown_objects, grown_bytes, limit_objects,
-- limit_bytes.

-- heap:stats(generation): cumulative figures of a generation, a table: passes, collected and others. Generation 0, the
-- default, is that of passes over all objects, 1 that of runs over young pages.
local generation = heap.generation
heap.generation = nil
function heap:stats(number)
  if math.type(number) == "integer" and (number < 0 or number > 1) then
    core.fail(("stats: there is no generation %d, only 0 and 1"):format(number), -5)
  end
  return generation(self, number or 0)
end

-- heap:on_pass(fn): calls fn("start" or "stop", figures) before and after each pass. Returns a number for off_pass.
-- heap:off_pass(id): no longer.

-- heap:save_all(on): save_all(true): garbage is finalized and then kept, on the list that garbage() shows. save_all()
-- asks.
local set_save_all, is_save_all = heap.set_save_all, heap.save_all
heap.set_save_all = nil
function heap:save_all(on)
  if on ~= nil then set_save_all(self, on) end
  return is_save_all(self)
end

-- heap:garbage(): the garbage that save_all kept, a table of handles.
-- heap:garbage_count(): how many.
-- heap:garbage_reason(i): why entry i, from 0, is there.
-- heap:garbage_clear(): lets them go.
-- heap:freeze(): sets all present objects aside: passes skip them. For fork.
-- heap:unfreeze(): no longer.

-- heap:pass_count(): the number of the latest pass; 0: there was none.

local passes = core.passes

-- heap:pass(number): what one pass did and why, a table: number, reason, mode, status, quiet, threads, start_ns, pauses,
-- pause_ns, longest_ns, ns (of each part: clear, subtract, seed, mark, gather, finalize, confirm, reclaim, callbacks), candidates,
-- freed, freed_bytes, finalized, weak_cleared; the survivors: held, reached, resurrected, deferred, saved, frozen;
-- objects_before, bytes_before, objects_after, bytes_after; by_type, a list of tables (type, objects, bytes), and rest;
-- line, as HUSK_GCTRACE prints it. The latest 64 are there (HUSK_EMISSING); figures.number of a callback names one.
heap.pass = passes.record

-- heap:passes(n): the records of the latest passes, the oldest first: n of them, or all that there are.
function heap:passes(n)
  local last, all = self:pass_count(), {}
  if n ~= nil and (math.type(n) ~= "integer" or n < 0) then
    core.fail("heap:passes: a number of passes expected, got " .. tostring(n))
  end
  for number = math.max(1, last - math.min(n or 64, 64) + 1), last do all[#all + 1] = passes.record(self, number) end
  return all
end

-- heap:pass_sums(mode): the sums of all passes of a mode, "full", "young" or "step", a table: passes, candidates, freed,
-- freed_bytes, finalized, resurrected, weak_cleared, ns.
heap.pass_sums = passes.sums

-- heap:pauses(mode, percent): how long the program waited for passes of a mode, of all without one, a table: count,
-- total_ns, max_ns, p50_ns, p90_ns, p99_ns, p999_ns. With percent: that percentile in nanoseconds, at most 1/16 too long.
heap.pauses = passes.pauses

-- heap:pause_histogram(mode): the same as buckets, those that are not empty: a list of tables, low_ns and high_ns, both
-- included, and count.
heap.pause_histogram = passes.histogram

-- ---- looking ----

local verify = heap.verify

-- heap:verify(): checks the whole heap: true, or an error that names the damage.
function heap:verify()
  verify(self)
  return true
end

-- heap:objects(class): handles of all live objects, or of those of one class, in address order.
-- heap:census(): how many objects there are of each type, by its name. Makes no handles.
-- heap:figures(): the heap's figures, a table: objects, object_bytes, bytes_taken, bytes_peak and others.
-- heap:types(): how many objects of each type are alive: a list of tables, type, count, bytes, in the order in which the
-- types were made. Counted when asked, exactly.

local Classes = {__name = "husk.Classes"}
function Classes:__tostring() return self.text end

-- heap:classes(): how its memory is used by size class: a list of tables, block_bytes (0: large objects), tracked, pages,
-- used, free, untouched, used_bytes, asked_bytes (the rest of used_bytes is slack), held_bytes. tostring makes a table with
-- sums of it.
function heap:classes()
  local list, text = core.memory.classes(self)
  list.text = text
  return setmetatable(list, Classes)
end

-- heap:queue(): a queue of the dead in this heap: husk.weak.queue.
-- heap:yield_softs(keep): soft references let go, all but the `keep` most recently used; without keep, all. Returns how many.
-- heap:soft_policy(changes): when else they let go, a table: max_age, in passes without a use (0: never by age), and keep, how
-- many of the most recently used stay whatever their age. At max_bytes all let go before anything is refused. With a table
-- it changes what the table names.
-- heap:soft_figures(): soft references, a table: references, holding, how often one let go (by_call, by_age, by_pressure,
-- by_limit) and held its object again (regained).
-- heap:cleanups(): how many functions of husk.weak.finalize are still to run.
-- heap:set_max_bytes(bytes): changes the limit; 0: none.
-- heap:set_death_budget(most): the death budget: how many objects end, and callbacks run, in one release at most; 0, the
-- default: all. What is left is dead already; later releases, allocations and safe points go on, each with the same budget.
-- collect, verify and snapshots end all of it first.
-- heap:death_budget(): the death budget; 0: none.
-- heap:trim(): gives empty pages back to the system; returns the bytes.
-- heap:on_error(fn): calls fn(code, text, heap_name) for errors of hooks; nil: a line on stderr.
-- heap:report(text): hands an error to that function.

return module
