-- husk.snapshot: the state of a heap at one moment: objects, references, where things were made (husk.trace), the figures of
-- heap and process. From a live heap or from a file. Statistics and exports are made from snapshots only, and a snapshot
-- never changes. Filters are texts, "file=*.lua,line=3", "!type=list", or tables: {file = "*.lua", line = 3}, {type = "list",
-- exclude = true}; docs/statistics.md has all terms. Objects and frames have numbers from 1 on.

local core = require "husk.core"
local default = require "husk.heap".default
require "husk.trace" -- core.trace.traceback
local raw, stats, export, traceback = core.snapshot, core.stats, core.export, core.trace.traceback

local snapshot = {}

-- A table of options that has these names; `where` is for messages.
local function options_of(options, where, known)
  if options == nil then return {} end
  if type(options) ~= "table" then core.fail(("%s: a table of options expected, got %s"):format(where, type(options))) end
  for name in pairs(options) do
    if type(name) ~= "string" or not (" " .. known .. " "):find(" " .. name .. " ", 1, true) then
      core.fail(("%s: unknown option '%s'; there are %s"):format(where, tostring(name), (known:gsub(" ", ", "))))
    end
  end
  return options
end

-- ---- taking and loading ----

local bits = {edges = 1, process = 2, blocks = 4} -- set: left out
local function taking(options, where)
  options = options_of(options, where, "blocks edges heap maps max_bytes process")
  local flags = options.maps and 8 or 0
  for name, bit in pairs(bits) do
    if options[name] == false then flags = flags | bit end
  end
  local heap = options.heap
  if heap == nil then heap = default end
  return heap, flags, options.max_bytes
end

-- husk.snapshot.take(options): takes one of the default heap and of the process's traced blocks. Options: heap, another
-- heap, or false for the blocks alone; edges = false, process = false, blocks = false leave out references, what the system
-- says, and blocks; maps = true keeps the list of the process's mappings; max_bytes is a limit of its size: references are
-- left out to keep it. Not inside a hook of the heap (HUSK_EBUSY).
function snapshot.take(options) return raw.take(taking(options, "husk.snapshot.take")) end

-- husk.snapshot.load(path): reads one from a file, which is checked to the last byte: HUSK_EIO, HUSK_EFORMAT.
snapshot.load = raw.load

-- husk.snapshot.fork(path, options): takes and saves in a forked child, so that this process stops for the fork alone. The
-- result's wait() waits for it and raises what went wrong there; it is waited for at the latest when it is collected.
function snapshot.fork(path, options)
  local heap, flags, max_bytes = taking(options, "husk.snapshot.fork")
  return raw.fork(heap, flags, max_bytes, path)
end

-- child:wait(): waits until the file is there. Once; later it does nothing.

-- ---- filters ----

-- A view of a snapshot: what passes its filters. `lists` is a list of lists of filters: each of them must be passed.
local View = {__name = "husk.View"}
View.__index = View

local function say(filter, spec)
  stats.filter_say(filter, "new", spec.exclude)
  for name, value in pairs(spec) do
    if name ~= "exclude" then stats.filter_say(filter, name, value) end
  end
end

-- A filter for all lists, or nil if there are none.
local function filter_of(lists)
  if #lists == 0 then return nil end
  local filter = stats.filter()
  for i, list in ipairs(lists) do
    if i > 1 then stats.filter_and(filter) end
    for _, item in ipairs(list) do
      if type(item) == "table" then say(filter, item) else stats.filter_parse(filter, item) end
    end
  end
  return filter
end

-- The lists with one more, which an option says: a text, a table, or a list of them.
local function with_filters(lists, more, where)
  if more == nil then return lists end
  local list = {}
  local function add(item)
    if type(item) == "table" and (#item > 0 or next(item) == nil) then
      for _, one in ipairs(item) do add(one) end
    elseif type(item) == "string" or type(item) == "table" then
      list[#list + 1] = item
    else
      core.fail(("%s: a filter is a text or a table, not a %s"):format(where, type(item)))
    end
  end
  add(more)
  if #list == 0 then return lists end
  local all = {table.unpack(lists)}
  all[#all + 1] = list
  return all
end

-- ---- statistics ----

local Row = {__name = "husk.Statistic"}
function Row:__tostring() return self.text end

-- The frames are made when they are asked for.
local places = setmetatable({}, {__mode = "k"})
function Row:__index(key)
  local place = key == "frames" and places[self]
  if not place then return nil end
  local frames = traceback(stats.traceback(place.handle, place.number) or {})
  rawset(self, "frames", frames)
  return frames
end

local function row_of(handle, number)
  local row = stats.row(handle, number)
  if not row then return nil end
  places[row] = {handle = handle, number = number}
  return setmetatable(row, Row)
end

local methods = {}
local Statistics = {__name = "husk.Statistics", methods = methods}

function Statistics:__index(key)
  if math.type(key) == "integer" then
    if self.top and key > self.top then return nil end
    return row_of(self.handle, key)
  end
  return methods[key]
end

function Statistics:__len()
  local count = stats.count(self.handle)
  return self.top and self.top < count and self.top or count
end

function Statistics:__tostring()
  local lines = {}
  for i, row in ipairs(self) do lines[i] = row.text end
  local rest = self:rest()
  if rest then lines[#lines + 1] = rest.text end
  lines[#lines + 1] = self:total().text
  return table.concat(lines, "\n")
end

function Statistics:__close() stats.close(self.handle) end

-- statistics:total(): all things that passed, each once, a table as a row.
function methods:total() return setmetatable(stats.sum(self.handle), Row) end

-- statistics:rest(first): the sum of the rows from number `first` on, by default those that `top` cut off; nil: there are none.
function methods:rest(first)
  if first == nil then first = self.top and self.top + 1 or math.maxinteger end
  if math.type(first) ~= "integer" then core.fail("statistics:rest: the number of a row expected, got " .. type(first)) end
  local row = stats.sum(self.handle, first)
  return row and setmetatable(row, Row)
end

-- statistics:count(): the number of rows, those beyond `top` too.
function methods:count() return stats.count(self.handle) end

-- statistics:by(): what they are grouped by, and whether they compare: two results.
function methods:by() return stats.by(self.handle) end

-- statistics:traceback(i, limit, options): the frames of row i as text, as tracemalloc prints it: limit is the most frames, of
-- the newest, or if negative of the oldest; 0, the default, all. Options: source = true, with the line of the file where it can
-- be read; newest_first; functions.
function methods:traceback(i, limit, options)
  options = options_of(options, "statistics:traceback", "functions newest_first source")
  if math.type(i) ~= "integer" then core.fail("statistics:traceback: the number of a row expected, got " .. type(i)) end
  if limit == nil then limit = 0 end
  if math.type(limit) ~= "integer" then core.fail("statistics:traceback: limit is an integer, not a " .. type(limit)) end
  return stats.lines(self.handle, i, limit,
    (options.newest_first and 1 or 0) | (options.source and 2 or 0) | (options.functions and 4 or 0))
end

-- statistics:close(): frees them; so does `local s <close> = ...`.
function methods:close() stats.close(self.handle) end

local flags = {cumulative = 1, each_frame = 3, untraced = 4, records = 8}

local function statistics(view, old, by, options, where)
  options = options_of(options, where,
    "cumulative each_frame filter" .. (old and " old_filter" or "") .. " records sort top untraced")
  if by == nil then by = "line" end
  local top = options.top
  if top ~= nil and (math.type(top) ~= "integer" or top < 0) then
    core.fail(("%s: top is an integer from 0 on, not %s"):format(where, tostring(top)))
  end
  local sum = 0
  for name, bit in pairs(flags) do
    if options[name] then sum = sum | bit end
  end
  local filter = filter_of(with_filters(view.lists, options.filter, where))
  local old_filter
  if old and (#old.lists > 0 or options.old_filter ~= nil) then
    old_filter = filter_of(with_filters(old.lists, options.old_filter, where))
  elseif old and #view.lists > 0 then
    old_filter = options.filter ~= nil and filter_of(with_filters({}, options.filter, where)) or stats.filter()
  end
  local handle = stats.new(view.of, old and old.of, by, options.sort, sum, filter, old_filter)
  return setmetatable({handle = handle, top = top}, Statistics)
end

-- A snapshot is the view of all of it.
local function view_of(x)
  if getmetatable(x) == View then return x end
  return {of = x, lists = {}}
end

-- ---- snapshots ----

local shot = raw.methods

-- snapshot:statistics(by, options): who has how much: the things of the snapshot, grouped by "line" (the default), "file",
-- "function", "traceback", "type", "tag", "domain", "thread", "class", "age", "mark" or "kind". The result is a list: #s, s[i],
-- ipairs; each row is a table with size, count, name, key, text, frames (newest first), and where it has them line and function;
-- tostring of a row or of the whole gives what tracemalloc prints. Options: filter, a text, a table or a list of them; top, the most rows;
-- cumulative = true, by line, file or function: each frame gets what was made below it, each_frame = true as often as it
-- is in the traceback; untraced = true: what was not traced too; sort = "count", "born", "temporary", "peak"; records =
-- true: rows have born, born_bytes, died, died_bytes, temporary, peak, peak_bytes.
function shot:statistics(by, options) return statistics(view_of(self), nil, by, options, "snapshot:statistics") end

-- snapshot:compare(old, by, options): the same, with size_diff and count_diff against an older snapshot, or view of one.
-- The largest difference is first; what is gone is there with 0. old_filter chooses of the old one; without it, filter.
function shot:compare(old, by, options)
  if old == nil then core.fail("snapshot:compare: an old snapshot expected, got nil") end
  return statistics(view_of(self), view_of(old), by, options, "snapshot:compare")
end

-- snapshot:filter(...): a view of what passes the filters: it has statistics, compare, things, export and filter.
function shot:filter(...)
  local view = view_of(self)
  local lists = select("#", ...) > 0 and with_filters(view.lists, {...}, "snapshot:filter") or view.lists
  return setmetatable({of = view.of, lists = lists}, View)
end

-- snapshot:things(options): for i, thing in snapshot:things(): objects, buffers and blocks, those that were traced, or with
-- untraced = true all. A thing is a table: kind, address, size, weight (how many it stands for), stack, thread, and where it
-- has them type, tag, domain, mark. filter as above.
function shot:things(options)
  options = options_of(options, "snapshot:things", "filter untraced")
  local view = view_of(self)
  local filter = filter_of(with_filters(view.lists, options.filter, "snapshot:things"))
  local list = stats.things(view.of, filter, options.untraced and 4 or 0)
  return stats.next_thing, list, 0, list
end

View.statistics, View.compare, View.filter, View.things = shot.statistics, shot.compare, shot.filter, shot.things

-- snapshot:traceback(stack): the frames of a traceback, whose number an object, a thing or a row has: a list, newest first, as
-- husk.trace.of; total is how many there were before the limit cut it. nil: not known.
function shot:traceback(stack) return traceback(raw.traceback(self, stack)) end

-- snapshot:counts(): how many there are, a table: objects, object_bytes, edges, weak_edges, buffers, buffer_bytes, blocks,
-- block_bytes, traced, types, records, stacks, frames, and bytes, its own size.
-- snapshot:text(key): a text about it: "husk", "time", "command", "pid", "heap" and what was noted; or nil.
-- snapshot:texts(): all of them in order, a list of {key, text}.
-- snapshot:note(key, text): adds a text, which survives the file.
-- snapshot:number(group, name): a number about it: group "heap", "trace", "gc", "process", "system", "cgroup" or "balance"; nil
-- if it is not known.
-- snapshot:figures(): all of them in order, a list of tables: group, name, value.
-- snapshot:nodes(): for number, node in snapshot:nodes(): the objects by address, tables: number, address, type, size, edges,
-- hidden (references that no slot accounts for), stack, record, and the flags tracked, finalized, finalizer_pending, frozen,
-- immortal, weakly.
-- snapshot:node(number): one of them, or nil.
-- snapshot:find(x): the number of an object that is alive, or of an address; nil if it is not there.
-- snapshot:edges(number): for to, name, kind, index in snapshot:edges(number): what an object refers to: the other's number, the
-- field's name or nil, "strong", "weak" or "ephemeron", and the number of the item or nil.

-- ---- files and other forms ----

-- A function that gets the pieces, for what a script gives as a target; and what the result is.
local function target_of(target, where)
  if type(target) == "function" or type(target) == "string" then return target end
  if target == nil then
    local pieces = {}
    return function(piece) pieces[#pieces + 1] = piece end, function() return table.concat(pieces) end
  end
  if io.type(target) == "file" then return function(piece) return target:write(piece) end end
  core.fail(("%s: a path, a function or an open file expected, got %s"):format(where,
    io.type(target) or type(target)))
end

-- snapshot:save(path): writes it to a file, all or nothing: what was there before stays until it is whole.

-- snapshot:export(format, target, options): writes it in a form that other programs read: husk.snapshot.formats() lists
-- them; nil guesses by the ending of the path. target is a path (all or nothing, as save), a function that gets the pieces
-- (false from it ends the writing), an open file, or nil: then the result is the text. Options: by and top, of text and csv;
-- title; types = true, count = true, made = true, of stacks: the type as the innermost frame, numbers of things in place of
-- bytes, all that was made in place of what is alive; filter, of csv, collapsed, pprof and speedscope, as of statistics;
-- max_bytes, of html; progress, a function that is told how many bytes are written, about once a mebibyte (its errors are
-- raised in the end).
function shot:export(format, target, options)
  local where = "snapshot:export"
  options = options_of(options, where, "by count filter made max_bytes progress title top types")
  if options.progress ~= nil and type(options.progress) ~= "function" then
    core.fail(("%s: progress: a function expected, got %s"):format(where, type(options.progress)))
  end
  if format == nil then
    if type(target) ~= "string" then core.fail(where .. ": a format expected, got nil") end
    format = export.guess(target)
    if not format then core.fail(("%s: no form is known by the ending of %s"):format(where, target), -9) end
  end
  local to, result = target_of(target, where)
  local sum = (options.types and 1 or 0) | (options.count and 2 or 0) | (options.made and 4 or 0)
  local view = view_of(self)
  export.snapshot(view.of, format, to, sum, options.by, options.top, options.max_bytes, options.title, options.progress,
    filter_of(with_filters(view.lists, options.filter, where)))
  return result and result()
end
View.export = shot.export

-- snapshot:close(): frees it, and the statistics made from it; so does `local s <close> = ...`.
-- snapshot:closed(): whether it is.

-- husk.snapshot.formats(): the forms of exports, a list of tables: name, suffix of files, about.
snapshot.formats = export.formats

-- husk.snapshot.guess(path): the form that a file of this name would have, or nil.
snapshot.guess = export.guess

-- husk.snapshot.groups(), husk.snapshot.sorts(): what statistics can be grouped by, and sorted by: lists of names.
snapshot.groups, snapshot.sorts = stats.groups, stats.sorts

-- husk.snapshot.size(bytes, sign): bytes in words, "1.2 MiB"; with sign = true "+1.2 MiB".
snapshot.size = stats.size

-- husk.snapshot.report(snapshots, target, options): one self-contained HTML page about snapshots, the oldest first: flame graph,
-- tables, differences, memory over time. target as of export. Options: title; names, a list, one for each; max_bytes.
function snapshot.report(snapshots, target, options)
  local where = "husk.snapshot.report"
  options = options_of(options, where, "max_bytes names title")
  if type(snapshots) ~= "table" then core.fail(where .. ": a list of snapshots expected, got " .. type(snapshots)) end
  if options.names ~= nil and type(options.names) ~= "table" then
    core.fail(where .. ": names is a list, not a " .. type(options.names))
  end
  local to, result = target_of(target, where)
  export.report(snapshots, to, options.title, options.names, options.max_bytes)
  return result and result()
end

return snapshot
