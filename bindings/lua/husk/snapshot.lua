-- husk.snapshot: the state of a heap at one moment, live or from a file. A snapshot never changes; statistics, comparisons
-- and exports are made from it. It is closed by snap:close(), by `local snap <close> = ...`, or when Lua collects it.

local core = require "husk.core"
local default = require "husk.heap".default

local raw = core.snapshot
local snapshot = {}

-- ---- options ----

local function check(options, known, where)
  if options == nil then return {} end
  if type(options) ~= "table" then core.fail(("%s: a table of options expected, got %s"):format(where, type(options))) end
  for name in pairs(options) do
    if not known[name] then
      local names = {}
      for key in pairs(known) do names[#names + 1] = key end
      table.sort(names)
      core.fail(("%s: unknown option '%s'; there are %s"):format(where, tostring(name), table.concat(names, ", ")))
    end
  end
  return options
end

local taking = {heap = true, edges = true, process = true, blocks = true, maps = true, max_bytes = true}

-- The bits of husk/snapshot.h.
local function flags_of(options)
  return (options.edges == false and 1 or 0) | (options.process == false and 2 or 0) |
    (options.blocks == false and 4 or 0) | (options.maps and 8 or 0)
end

local function heap_of(options)
  if options.heap == nil then return default end
  return options.heap
end

-- husk.snapshot.take([options]): of the default heap. Options: heap (another one; false: only the process's traced blocks),
-- edges = false, process = false, blocks = false (leave these out), maps = true (with the process's mappings), max_bytes.
function snapshot.take(options)
  options = check(options, taking, "husk.snapshot.take")
  return raw.new(heap_of(options), flags_of(options), options.max_bytes)
end

-- husk.snapshot.load(path): one that was saved; checked to the last index.
snapshot.load = raw.load

-- husk.snapshot.fork(path, [options]): takes and saves one in a child process, so that this one stops for the fork alone.
-- Answers the child's process id, for husk.snapshot.wait(pid), which must be called and raises if it failed.
function snapshot.fork(path, options)
  options = check(options, taking, "husk.snapshot.fork")
  return raw.fork(heap_of(options), flags_of(options), options.max_bytes, path)
end
snapshot.wait = raw.wait

-- husk.snapshot.groups(), sorts(): what statistics can be by, and sorted by. formats(): the forms of exports, each
-- {name=, suffix=, about=}. guess(path): the form that a file of this name would have, or nil.
function snapshot.groups() return table.move(raw.groups, 1, #raw.groups, 1, {}) end
function snapshot.sorts() return table.move(raw.sorts, 1, #raw.sorts, 1, {}) end
snapshot.formats = raw.formats
snapshot.guess = raw.guess

-- husk.snapshot.report(snapshots, path, [options]): one HTML page about a list of snapshots, the oldest first. Options:
-- title, names (a list), max_bytes.
function snapshot.report(snapshots, path, options)
  options = check(options, {title = true, names = true, max_bytes = true}, "husk.snapshot.report")
  raw.report(snapshots, path, options.title, options.names, options.max_bytes)
end

-- ---- statistics ----

local Row, Statistics = {}, {}

function Row.__index(row, key)
  if key == "frames" then
    local frames = row.number and raw.row_frames(row.stats, row.number) or {}
    rawset(row, "frames", frames)
    return frames
  end
end

function Row.__tostring(row)
  if row.number then return raw.row_text(row.stats, row.number) end
  return row.first and raw.rest_text(row.stats, row.first) or raw.total_text(row.stats)
end
Row.__name = "husk.Statistic"

-- The fields that a script sees, with what finds the text.
local function dressed(fields, stats, number, first)
  if not fields then return nil end
  fields.stats, fields.number, fields.first = stats, number, first
  return setmetatable(fields, Row)
end

local methods = {}
-- stats:total(): all that was counted, each thing once. stats:rest(first): the rows from number `first` on, or nil.
function methods.total(self) return dressed(raw.total(self.raw), self.raw) end
function methods.rest(self, first) return dressed(raw.rest(self.raw, first), self.raw, nil, first) end

-- stats:traceback(i, [limit], [options]): the frames of row i as lines; limit: most frames, the newest; negative: the oldest.
-- Options: source (with the line of the file), newest_first, functions.
function methods.traceback(self, i, limit, options)
  options = check(options, {source = true, newest_first = true, functions = true}, "statistics:traceback")
  local flags = (options.newest_first and 1 or 0) | (options.source and 2 or 0) | (options.functions and 4 or 0)
  return raw.traceback(self.raw, i, limit or 0, flags)
end

function Statistics.__index(self, key)
  if math.type(key) == "integer" then
    return key > 0 and dressed(raw.row(self.raw, key), self.raw, key) or nil
  end
  return methods[key]
end
function Statistics.__len(self) return raw.count(self.raw) end
Statistics.__name = "husk.Statistics"

local choosing = {
  filter = true, old_filter = true, sort = true, cumulative = true, each_frame = true, untraced = true, records = true,
}

local function statistics(self, old, by, options, where)
  options = check(options, choosing, where)
  local flags = (options.cumulative and 1 or 0) | (options.each_frame and 2 or 0) | (options.untraced and 4 or 0) |
    (options.records and 8 or 0)
  local made = raw.stats(self, old, by, options.sort, flags, options.filter, options.old_filter)
  return setmetatable({raw = made}, Statistics)
end

-- ---- snapshots ----

local Snapshot = {}

-- snap:statistics(by, [options]): who has how much, grouped by "line" (the default), "type" and so on
-- (husk.snapshot.groups()). #stats rows, stats[i] with size, count, name, line, frames; tostring(stats[i]) is the line as
-- tracemalloc prints it. Options: filter (a text such as "file=*.lua", or a list), sort, cumulative, each_frame, untraced,
-- records (with born, died, temporary, peak).
function Snapshot.statistics(self, by, options) return statistics(self, nil, by, options, "snapshot:statistics") end

-- snap:compare(old, by, [options]): the same with the differences against an older one: size_diff, count_diff.
function Snapshot.compare(self, old, by, options)
  if old == nil then core.fail("snapshot:compare: the old snapshot is missing") end
  return statistics(self, old, by, options, "snapshot:compare")
end

local exporting = {by = true, top = true, types = true, count = true, made = true, title = true, max_bytes = true}

-- snap:export(format, target, [options]): for another program (husk.snapshot.formats()). target: a path, whose file appears
-- whole or not at all, or a function that gets the bytes piece by piece; false from it stops.
function Snapshot.export(self, format, target, options)
  options = check(options, exporting, "snapshot:export")
  local flags = (options.types and 1 or 0) | (options.count and 2 or 0) | (options.made and 4 or 0)
  raw.export(self, format, target, options.by, options.top, flags, options.title, options.max_bytes)
end

-- snap:save(path): a file that appears whole or not at all.
Snapshot.save = raw.save
Snapshot.close = raw.close

-- snap:counts(): a table of numbers: objects, edges, bytes ...
Snapshot.counts = raw.counts

-- snap:text(key): "time", "command", "heap" ..., or nil. snap:texts(): all of them as {key, text}. snap:note(key, text) adds one.
Snapshot.text = raw.text
Snapshot.note = raw.note
function Snapshot.texts(self)
  local list = {}
  for i = 0, math.huge do
    local key = raw.text_key(self, i)
    if not key then return list end
    list[i + 1] = {key, raw.text(self, key)}
  end
end

-- snap:number(group, name): a number of "heap", "trace", "gc", "process", "system", "cgroup", "balance", or nil.
-- snap:figures(): all of them as {group=, name=, value=}.
Snapshot.number = raw.number
function Snapshot.figures(self)
  local list = {}
  for i = 0, math.huge do
    local group, name, value = raw.figure(self, i)
    if not group then return list end
    list[i + 1] = {group = group, name = name, value = value}
  end
end

-- snap:node(i): object number i: number, address, type, size, edges, hidden ..., or nil. snap:nodes() goes through all.
-- snap:find(address): its number, or nil.
Snapshot.node = raw.node
Snapshot.find = raw.find
function Snapshot.nodes(self)
  return function(_, i)
    local node = raw.node(self, i + 1)
    if node then return i + 1, node end
  end, nil, 0
end

-- snap:edges(i): goes through the references of object number i: the number of the other, the slot's name, "strong", "weak" or
-- "ephemeron", and the item's number if it is one of several.
function Snapshot.edges(self, i)
  local number = 0
  return function()
    number = number + 1
    return raw.edge(self, i, number)
  end
end

-- snap:traceback(stack): the frames of a node's `stack`, newest first.
Snapshot.traceback = raw.frames

raw.meta.__index = Snapshot
raw.meta.__name = "husk.Snapshot"

return snapshot
