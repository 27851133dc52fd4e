-- husk.trace: who asked for the bytes. While tracing is on, each object and buffer notes where in the script it was made;
-- snapshots (husk.snapshot) have these places, and their statistics tell who has how much. The functions work on the default
-- heap; husk.trace(heap) has the same for another heap, and husk.trace.process for the process's memory that is no object
-- (husk.trace.block).

local core = require "husk.core"
local default = require "husk.heap".default

local raw = core.trace

-- ---- tracebacks ----

-- "file:line: in function" for each frame, newest first.
local Traceback = {__name = "husk.Traceback"}
function Traceback:__tostring()
  local lines = {}
  for i, frame in ipairs(self) do
    local at = frame.file
    if at == "" then
      at = frame.module or ("0x%x"):format(frame.address or 0)
    elseif frame.line > 0 then
      at = ("%s:%d"):format(at, frame.line)
    end
    lines[i] = frame["function"] ~= "" and ("%s: in %s"):format(at, frame["function"]) or at
  end
  return table.concat(lines, "\n")
end

local function traceback(frames) return frames and setmetatable(frames, Traceback) end
core.trace.traceback = traceback

-- ---- options ----

local known = {frames = true, sample = true, epoch_ms = true, seed = true, sources = true}
local bits = {given = 1, lua = 3, native = 4, all = 7}

-- "lua", "native", "all" or a list of them, as the bits of husk/trace.h.
local function source_bits(sources)
  if sources == nil then return nil end
  local sum = 0
  for _, name in ipairs(type(sources) == "table" and sources or {sources}) do
    if not bits[name] then
      core.fail(("husk.trace.start: there is no source '%s'; there are all, given, lua, native"):format(tostring(name)))
    end
    sum = sum | bits[name]
  end
  if sum == 0 then core.fail("husk.trace.start: sources names none; there are all, given, lua, native") end
  return sum
end

local function start(heap, options)
  if options == nil or math.type(options) == "integer" then options = {frames = options} end
  if type(options) ~= "table" then
    core.fail("husk.trace.start: a number of frames or a table of options expected, got " .. type(options))
  end
  for name in pairs(options) do
    if not known[name] then
      core.fail(("husk.trace.start: unknown option '%s'; there are epoch_ms, frames, sample, seed, sources"):format(
        tostring(name)))
    end
  end
  return raw.start(heap, options.frames, options.sample, options.epoch_ms, options.seed, source_bits(options.sources))
end

-- ---- scopes ----

-- Takes a tag or domain off. If the tracing that it was pushed in is over, nothing is left to be done.
local Scope = {__name = "husk.Scope", __close = function(scope)
  if not scope.on then return end
  scope.on = false
  pcall(raw.pop, scope.heap, scope.tag)
end}

local function scope(heap, tag, text, fn, ...)
  if fn ~= nil and type(fn) ~= "function" then
    core.fail(("husk.trace.%s: a function expected, got %s"):format(tag and "tag" or "domain", type(fn)))
  end
  local on = raw.is_tracing(heap)
  if on then
    raw.push(heap, tag, text)
  elseif type(text) ~= "string" then
    core.fail(("husk.trace.%s: a string expected, got %s"):format(tag and "tag" or "domain", type(text)))
  end
  local pushed = setmetatable({heap = heap, tag = tag, on = on}, Scope)
  if not fn then return pushed end
  local _ <close> = pushed
  return fn(...)
end

-- ---- tracing ----

-- Of one heap, or of the process: false. They become the functions that scripts see, with the heap bound.
local methods = {}

-- husk.trace.start(options): starts tracing: the number of frames of a traceback, 1 by default, up to 65535; or a table:
-- frames; sample, the mean number of bytes between samples (exact without it; 512 * 1024 costs next to nothing); sources,
-- a name or a list of "lua" (the default: Lua's frames), "native" (those of C code), "all"; epoch_ms, how finely ages are
-- told, 1000 by default; seed, for samples that can be repeated. True; or false, and nothing changes, if it is on already.
-- The environment can start it too: HUSK_TRACE=frames or HUSK_TRACE=frames:sample.
methods.start = start

-- husk.trace.stop(): stops, and forgets everything.
methods.stop = raw.stop

-- husk.trace.clear(): forgets what was made so far.
methods.clear = raw.clear

-- husk.trace.is_tracing(): whether it is on.
methods.is_tracing = raw.is_tracing

-- husk.trace.limit(): the most frames of a traceback, in force or for the next start.
methods.limit = raw.limit

-- husk.trace.memory(): bytes of what was traced and is alive, and the most there were: two numbers, 0 when off.
methods.memory = raw.memory

-- husk.trace.figures(): more figures, a table: bytes, count, peak_bytes, peak_count, born, born_bytes, temporary (died
-- before the next birth), unknown, places, own_bytes (the tracer's own memory), sample_bytes.
methods.figures = raw.figures

-- husk.trace.reset_peak(): the peak becomes what is alive now.
methods.reset_peak = raw.reset_peak

-- husk.trace.mark(name): begins a new stretch of time: the filter "since=name" passes what was made after it.
methods.mark = raw.mark

-- ---- tags and domains ----

-- husk.trace.tag(text, fn, ...): calls fn(...); what is made meanwhile carries the tag, the innermost one if there are
-- several. Returns what fn returns. Without fn it returns a value for `local _ <close> = ...`, which ends the tag. While
-- not tracing there are no tags, and fn is called all the same. Tags are the heap's: a coroutine that yields inside leaves
-- its tag to the others.
function methods.tag(heap, ...) return scope(heap, true, ...) end

-- husk.trace.domain(text, fn, ...): the same for the domain, by which snapshots can be filtered and grouped too.
function methods.domain(heap, ...) return scope(heap, false, ...) end

-- husk.trace.push_tag(text), husk.trace.push_domain(text): the same without a scope. Up to 64 deep.
function methods.push_tag(heap, text) raw.push(heap, true, text) end
function methods.push_domain(heap, text) raw.push(heap, false, text) end

-- husk.trace.pop_tag(), husk.trace.pop_domain(): takes the innermost one off.
function methods.pop_tag(heap) raw.pop(heap, true) end
function methods.pop_domain(heap) raw.pop(heap, false) end

local function tracer(heap)
  local trace = {}
  for name, method in pairs(methods) do trace[name] = core.bind(method, heap) end
  return trace
end

local trace = tracer(default)

-- ---- one thing ----

-- husk.trace.of(x): where x was made: a list of frames, the newest first, each a table with file, line and function; nil if
-- x was not traced. tostring makes lines of it.
function trace.of(x) return traceback(raw.of(x)) end

-- ---- blocks that are no objects ----

trace.process = tracer(false)

-- husk.trace.block(address, size, domain): memory that somebody else manages was had at this address, an integer or a light
-- userdata; it replaces what was noted for it. domain is a number, 0 by default; the same address may live in several.
-- HUSK_ESTATE unless husk.trace.process.start() was called.
trace.block = raw.block

-- husk.trace.unblock(address, domain): it is gone. Unknown ones are fine.
trace.unblock = raw.unblock

-- husk.trace.of_block(address, domain): where it was had, as husk.trace.of.
function trace.of_block(address, domain) return traceback(raw.of_block(address, domain)) end

return setmetatable(trace, {__call = function(_, heap)
  raw.limit(heap == nil and default or heap) -- it is a heap that is open
  return heap == nil and trace or tracer(heap)
end})
