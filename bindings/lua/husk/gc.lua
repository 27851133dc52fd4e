-- husk.gc: the collector of the default heap, under the names of Python's gc where they fit. Other heaps have the same as
-- methods (husk.heap).

local core = require "husk.core"
local default = require "husk.heap".default

local gc = {}

-- husk.gc.collect(options): ends all garbage, cycles through Lua values included; returns how many objects were
-- collected, and the figures of husk.collect as a second result. options as there.
function gc.collect(options)
  local figures = default:collect(options)
  return figures.collected + figures.uncollectable, figures
end

-- husk.gc.step(seconds): a pass in steps, a slice of time each, like collectgarbage("step"): heap:step.
function gc.step(seconds) return default:step(seconds) end

-- husk.gc.pause(seconds): how long the steps of automatic passes take, 0: they run at once; what "incremental" is to
-- collectgarbage: heap:pause.
function gc.pause(seconds) return default:pause(seconds) end

-- husk.gc.steps(): what passes in steps did: heap:steps.
function gc.steps() return default:steps() end

-- husk.gc.young(objects): after how many births a run over young pages starts, 0: never; what "generational" is to
-- collectgarbage, and on by default: heap:young.
function gc.young(objects) return default:young(objects) end

-- husk.gc.parallel(threads): how many threads a pass over all objects may use: heap:parallel.
function gc.parallel(threads) return default:parallel(threads) end

-- husk.gc.enable(): lets automatic passes run again; disable nests, so as often as disabled.
function gc.enable() default:enable() end

-- husk.gc.disable(holder): stops automatic passes; holder says who asked.
function gc.disable(holder) default:disable(holder) end

-- husk.gc.isenabled(): whether automatic passes run.
function gc.isenabled() return default:is_enabled() end

-- husk.gc.count(): by how many objects and bytes the heap has grown since the last pass: two numbers.
function gc.count()
  local counts = default:counts()
  return counts.grown_objects, counts.grown_bytes
end

-- husk.gc.threshold(objects, bytes): the least growth, in objects and in bytes, that starts a pass: two numbers. With
-- arguments it sets them; nil leaves one as it is, 0 as both stops automatic passes.
function gc.threshold(objects, bytes)
  local pacing = default:pacing{least_objects = objects, least_bytes = bytes}
  return pacing.least_objects, pacing.least_bytes
end

-- husk.gc.state(): how passes are paced now, and why: heap:pacing_state.
function gc.state() return default:pacing_state() end

-- husk.gc.bound(): what the heap does not grow past without a pass: heap:bound.
function gc.bound() return default:bound() end

-- husk.gc.soft_limit(bytes): the soft limit on memory: heap:soft_limit.
function gc.soft_limit(bytes) return default:soft_limit(bytes) end

-- husk.gc.idle(seconds): useful work in a quiet moment: heap:idle.
function gc.idle(seconds) return default:idle(seconds) end

-- husk.gc.stress(settings): passes at allocations, to find missing references early: heap:stress.
function gc.stress(settings) return default:stress(settings) end

-- husk.gc.without(budget, fn, ...): calls fn(...) in a region without passes, with a budget as for heap:no_gc_begin, and
-- returns how the region went (heap:no_gc_end) and what fn returned. An error of fn ends the region, too.
function gc.without(budget, fn, ...)
  default:no_gc_begin(budget)
  local results = table.pack(pcall(fn, ...))
  local region = default:no_gc_end()
  if not results[1] then error(results[2], 0) end
  return region, table.unpack(results, 2, results.n)
end

-- husk.gc.stats(): a table of cumulative figures for each generation: the first one of passes over all objects, the second
-- of runs over young pages.
function gc.stats() return {default:stats(0), default:stats(1)} end

-- husk.gc.objects(class): handles of all live objects, or of those of one class.
function gc.objects(class) return default:objects(class) end

-- husk.gc.referrers(x): which objects refer to x.
gc.referrers = core.referrers

-- husk.gc.referents(x): what x refers to, once for each slot.
gc.referents = core.referents

-- husk.gc.is_tracked(x): whether passes look at objects of its type.
gc.is_tracked = core.obj.is_tracked

-- husk.gc.is_finalized(x): whether its finalizer has run.
gc.is_finalized = core.obj.is_finalized

-- husk.gc.dry_run(options): what a pass would do, without doing it: heap:dry_run.
function gc.dry_run(options) return default:dry_run(options) end

-- husk.gc.hidden(options): who is held from outside, by type: heap:hidden.
function gc.hidden(options) return default:hidden(options) end

-- husk.gc.hidden_of(x, ...): how many references to x no slot accounts for, the handle that asks among them; below 0: the
-- heap is damaged; nil: not known, x is immortal. A result for each argument, which are all of one heap. Goes through the
-- whole heap, once.
gc.hidden_of = core.survey.hidden_of

-- husk.gc.find_leaks(on, options): passes tell what is unreachable instead of freeing it: heap:find_leaks.
function gc.find_leaks(on, options) return default:find_leaks(on, options) end

-- husk.gc.leaks(options): what was told so far and is unreachable still: heap:leaks.
function gc.leaks(options) return default:leaks(options) end

-- husk.gc.freeze(): sets all present objects aside: passes skip them. Before a fork.
function gc.freeze() default:freeze() end

-- husk.gc.unfreeze(): takes them back.
function gc.unfreeze() default:unfreeze() end

-- husk.gc.freeze_count(): how many objects are set aside.
function gc.freeze_count() return default:figures().frozen_objects end

-- husk.gc.garbage(): what was found and kept (debug{saveall = true}), a table of handles.
function gc.garbage() return default:garbage() end

-- husk.gc.clear_garbage(): lets it go.
function gc.clear_garbage() default:garbage_clear() end

-- ---- what passes did ----

-- husk.gc.passes(n): the records of the latest n passes, or of the latest 64, the oldest first: see heap:pass.
function gc.passes(n) return default:passes(n) end

-- husk.gc.pauses(mode, percent): how long the program waited for passes: see heap:pauses.
function gc.pauses(mode, percent) return default:pauses(mode, percent) end

-- husk.gc.histogram(mode): the pauses as buckets: see heap:pause_histogram.
function gc.histogram(mode) return default:pause_histogram(mode) end

-- husk.gc.gcstat(on): gcstat(true) shows the passes of this process to `husk gcstat` and others of the same user, as
-- HUSK_GCSTAT=1 does; gcstat(false) ends that. gcstat() asks.
function gc.gcstat(on)
  if on ~= nil and type(on) ~= "boolean" then
    core.fail("husk.gc.gcstat: true or false expected, got " .. type(on))
  end
  if on then core.gcstat.start() elseif on == false then core.gcstat.stop() end
  return core.gcstat.is_on()
end

-- husk.gc.gcstat_read(pid): the heaps of a process that shows them, as their latest passes left them: a list of tables, heap
-- (a number), name, age_ns, latest (a record, or nil), sums and pauses by mode. HUSK_EMISSING: no such process, or it shows
-- none; HUSK_EIO: it is another user's.
gc.gcstat_read = core.gcstat.read

-- husk.gc.gcstat_list(): the numbers of this user's processes that show their passes, in order.
function gc.gcstat_list()
  local pids = core.gcstat.list()
  table.sort(pids)
  return pids
end

-- ---- callbacks ----

local callbacks = {}

-- Husk calls this once for each phase; an error in one function is reported, and the others run. What was there at first
-- is called; a number that has become free is passed by.
local function call_all(phase, figures)
  local numbers, fns = {}, {}
  for number, fn in next, callbacks do
    numbers[#numbers + 1], fns[number] = number, fn
  end
  table.sort(numbers)
  for _, number in ipairs(numbers) do
    local ok, err = pcall(fns[number], phase, figures)
    if not ok then default:report("callback of husk.gc.callbacks: " .. tostring(err)) end
  end
end

-- husk.gc.callbacks: a list of functions that are called with "start" or "stop" and the pass's figures, in order, for each
-- pass: table.insert(husk.gc.callbacks, fn). They must be functions.
local pass_id -- while registered: from the first function until a pass finds none
gc.callbacks = setmetatable(callbacks, {
  __newindex = function(list, key, fn)
    if fn == nil then return end -- there is none, and will be none
    if type(fn) ~= "function" then
      core.fail("husk.gc.callbacks: a function expected, got " .. type(fn))
    end
    if math.type(key) ~= "integer" then
      core.fail("husk.gc.callbacks: its functions have numbers, as in a list, not " .. tostring(key))
    end
    if not pass_id then
      pass_id = default:on_pass(function(phase, figures)
        call_all(phase, figures)
        if phase == "stop" and not next(list) then
          default:off_pass(pass_id)
          pass_id = nil
        end
      end)
    end
    rawset(list, key, fn)
  end,
})

-- ---- debugging ----

local flags = {saveall = false, stats = false}
local stats_id

-- husk.gc.debug(changes): the debug flags, a table, and with a table it sets those that the table names. saveall: garbage is
-- finalized and kept (husk.gc.garbage). stats: a line on stderr after each pass.
function gc.debug(changes)
  if changes ~= nil and type(changes) ~= "table" then
    core.fail("husk.gc.debug: a table of flags expected, got " .. type(changes))
  end
  for name, on in pairs(changes or {}) do
    if flags[name] == nil then
      core.fail("husk.gc.debug: unknown flag '" .. tostring(name) .. "'; there are saveall, stats")
    elseif type(on) ~= "boolean" then
      core.fail(("husk.gc.debug: %s is true or false, not a %s"):format(name, type(on)))
    end
  end
  for name, on in pairs(changes or {}) do
    if name == "saveall" then
      default:save_all(on)
    elseif on and not stats_id then
      stats_id = default:on_pass(function(phase, figures)
        if phase == "stop" then
          io.stderr:write(("husk.gc: %d examined, %d collected, %d kept, %.3f ms\n"):format(figures.examined,
            figures.collected, figures.uncollectable,
            (figures.find_ns + figures.finalize_ns + figures.reclaim_ns) / 1e6))
        end
      end)
    elseif not on and stats_id then
      default:off_pass(stats_id)
      stats_id = nil
    end
    flags[name] = on
  end
  return {saveall = default:save_all(), stats = flags.stats}
end

return gc
