-- husk.measure: times functions, for husk bench. The clock comes from outside, so tests can give another one.
--
-- A subject is a table: name, param (nil or a number), run(state, param), setup(param) -> state, teardown(state, param), heap.
-- Each round is: setup, a loop of calls that is timed as a whole, teardown. Rounds of different subjects alternate, so that what
-- the machine does meanwhile falls on all of them.

local husk = require "husk"

local measure = {}

-- ---- statistics ----

local function quantile(sorted, share)
  local at = share * (#sorted - 1) + 1
  local low = math.floor(at)
  local high = math.min(low + 1, #sorted)
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low)
end

-- Least, quartiles, median and the median distance from it (MAD), of one sample at least.
function measure.statistics(samples)
  local sorted = table.move(samples, 1, #samples, 1, {})
  table.sort(sorted)
  local median, away = quantile(sorted, 0.5), {}
  for i, value in ipairs(sorted) do away[i] = math.abs(value - median) end
  table.sort(away)
  return {
    min = sorted[1], q1 = quantile(sorted, 0.25), median = median, q3 = quantile(sorted, 0.75), max = sorted[#sorted],
    mad = quantile(away, 0.5),
  }
end

-- The share by which a median may be off: MAD as a standard deviation of a normal distribution, beside the median.
local function noise(result) return result.median > 0 and 1.4826 * result.mad / result.median or 0 end

-- The least change that counts, and what to make of two results: "slower" and "faster" only if the ratio of minima and
-- that of medians both go beyond it, on the same side; else "same".
function measure.compare(old, new)
  local limit = 1 + math.max(0.02, 2 * (noise(old) + noise(new)))
  local minima, medians = new.min / old.min, new.median / old.median
  local verdict = "same"
  if minima > limit and medians > limit then verdict = "slower" end
  if minima < 1 / limit and medians < 1 / limit then verdict = "faster" end
  return {min = minima, median = medians, limit = limit, verdict = verdict}
end

-- ---- one subject ----

local function nothing() end

-- The subject with its state made anew, for the time of fn(state); so many calls go on below.
local function prepared(subject, fn)
  local state = (subject.setup or nothing)(subject.param)
  subject.heap:collect() -- rounds begin alike, Lua's collector included
  local result = fn(state);
  (subject.teardown or nothing)(state, subject.param)
  return result
end

local function loop(run, state, param, count)
  for _ = 1, count do run(state, param) end
end

-- Nanoseconds of `count` calls.
local function timed(subject, count, clock)
  return prepared(subject, function(state)
    local run, param = subject.run, subject.param
    local started = clock()
    loop(run, state, param, count)
    return clock() - started
  end)
end

-- How many calls take min_time nanoseconds. Goes on until warmup is over too: caches, pages, the processor's frequency.
local function calibrated(subject, options)
  local count, spent = 1, 0
  while true do
    local time = timed(subject, count, options.clock)
    spent = spent + time
    if time >= options.min_time and spent >= options.warmup then return count end
    if time < options.min_time then
      local wanted = math.ceil(count * options.min_time * 1.1 / math.max(time, 1))
      count = math.max(count + 1, math.min(wanted, count * 100))
    end
  end
end

-- What a call leaves and makes, counted apart from the times: objects and bytes of the heap, those that are there after a pass,
-- and bytes of Lua's. `made` needs tracing; where it is on for another reason, it is not known.
local function counted(subject, calls)
  local heap = subject.heap
  return prepared(subject, function(state)
    collectgarbage("stop")
    local ok, result = pcall(function()
      local lua = collectgarbage("count")
      loop(subject.run, state, subject.param, calls)
      lua = (collectgarbage("count") - lua) * 1024
      heap:collect()
      local before = heap:figures()
      local trace = husk.trace(heap)
      local traced = trace.start(1)
      loop(subject.run, state, subject.param, calls)
      local made = traced and trace.figures() or {}
      if traced then trace.stop() end
      heap:collect()
      local after = heap:figures()
      return {
        made = made.born and made.born / calls, made_bytes = made.born_bytes and made.born_bytes / calls,
        kept = (after.objects - before.objects) / calls,
        kept_bytes = (after.object_bytes - before.object_bytes) / calls, lua_bytes = lua / calls,
      }
    end)
    collectgarbage("restart")
    if not ok then error(result, 0) end
    return result
  end)
end

-- ---- all of them ----

local COUNTED = 100 -- calls at most that are counted: their figures do not vary

-- options: clock, a function that gives nanoseconds; rounds; warmup and min_time, nanoseconds; step(text), told what begins.
-- Gives for each subject a table: name, param, iterations, samples (nanoseconds of a call), the statistics, and what was counted.
function measure.run(subjects, options)
  local step, results = options.step or nothing, {}
  for i, subject in ipairs(subjects) do
    step(subject.name)
    local count = calibrated(subject, options)
    local result = counted(subject, math.min(count, COUNTED))
    result.name, result.param, result.iterations, result.samples = subject.name, subject.param, count, {}
    results[i] = result
  end
  for round = 1, options.rounds do
    step("round " .. round)
    local backwards = round % 2 == 0 -- nobody comes always after the same one
    for i = backwards and #subjects or 1, backwards and 1 or #subjects, backwards and -1 or 1 do
      local result = results[i]
      result.samples[round] = timed(subjects[i], result.iterations, options.clock) / result.iterations
    end
  end
  for _, result in ipairs(results) do
    for name, value in pairs(measure.statistics(result.samples)) do result[name] = value end
  end
  return results
end

return measure
