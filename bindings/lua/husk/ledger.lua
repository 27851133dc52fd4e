-- husk.ledger: who holds references, taken where. While a heap has a ledger, each retain of the chosen types is an entry with
-- its owner and its place in the script, each release closes one; what is left open was never paired. The functions work on the
-- default heap; husk.ledger(heap) has the same for another heap. What a script's own handles hold is by "handle of Lua".

local core = require "husk.core"
local default = require "husk.heap".default
require "husk.trace" -- adds core.trace.traceback

local raw = core.ledger

-- ---- rows ----

local HELD <const>, RELEASES <const> = 1, 2
local own_handle <const> = "handle of Lua"

-- A row and its frames, as lines.
local function lines_of(row, lines)
  lines[#lines + 1] = row.text
  if #row.traceback > 0 then lines[#lines + 1] = "    " .. tostring(row.traceback):gsub("\n", "\n    ") end
end

local Rows = {__name = "husk.Ledger"}
function Rows:__tostring()
  local lines = {}
  if self.number then
    lines[1] = ("#%d: %d references, %d before the ledger%s%s"):format(self.number, self.count, self.before,
      self.lost > 0 and (", %d lost"):format(self.lost) or "",
      self.unpaired > 0 and (", %d unpaired releases"):format(self.unpaired) or "")
  end
  for _, row in ipairs(self) do lines_of(row, lines) end
  return table.concat(lines, "\n")
end

local function made(rows, book)
  for _, row in ipairs(rows) do core.trace.traceback(row.traceback) end
  for name, value in pairs(book or {}) do rows[name] = value end
  return setmetatable(rows, Rows)
end

-- ---- on and off ----

local methods = {}

local known = {types = true, frames = true, deaths = true, max_bytes = true, sources = true}
local bits = {given = 1, lua = 3, native = 4, all = 7}

local function source_bits(sources)
  local sum = 0
  for _, name in ipairs(type(sources) == "table" and sources or {sources}) do
    if not bits[name] then
      core.fail(("husk.ledger.start: there is no source '%s'; there are all, given, lua, native"):format(tostring(name)))
    end
    sum = sum | bits[name]
  end
  return sum
end

-- husk.ledger.start(options): starts a ledger. Options: types, a list of classes of husk.type and of names ("list", "Node"),
-- without it all; frames, the most of a place, 12 by default; sources, a name or a list of "lua" (the default: Lua's frames),
-- "native" (those of C code), "all"; deaths, how many are remembered, 1024; max_bytes of the ledger, 256 MiB: what finds no room
-- is lost, and counted. True; or false, and nothing changes, if it is on already.
function methods.start(heap, options)
  options = options or {}
  if type(options) ~= "table" then core.fail("husk.ledger.start: a table of options expected, got " .. type(options)) end
  for name in pairs(options) do
    if not known[name] then
      core.fail(("husk.ledger.start: unknown option '%s'; there are deaths, frames, max_bytes, sources, types"):format(
        tostring(name)))
    end
  end
  local types = options.types
  if types ~= nil and (type(types) ~= "table" or getmetatable(types)) then types = {types} end
  return raw.start(heap, types, options.frames, options.deaths, options.max_bytes, source_bits(options.sources))
end

-- husk.ledger.stop(): stops, and forgets everything.
methods.stop = raw.stop

-- husk.ledger.is_on(): whether there is one.
methods.is_on = raw.is_on

-- husk.ledger.clear(): forgets the entries: what is referred to now is "before".
methods.clear = raw.clear

-- husk.ledger.choose(class, on): takes a class in, or out with all its objects (on is false).
function methods.choose(heap, class, on) raw.choose(heap, class, on ~= false) end

-- husk.ledger.figures(): figures, a table: objects, entries, before, lost, unpaired (releases), retains, releases, missed
-- (objects that found no room), own_bytes, max_bytes, frames. All 0 when off.
methods.figures = raw.figures

-- ---- owners ----

local Scope = {__name = "husk.Scope", __close = function(scope)
  if not scope.on then return end
  scope.on = false
  pcall(raw.pop, scope.heap)
end}

-- husk.ledger.owner(text, fn, ...): calls fn(...); plain retains of C code meanwhile are by this owner, the innermost one if
-- there are several. Returns what fn returns. Without fn it returns a value for `local _ <close> = ...`. While there is no
-- ledger fn is called all the same.
function methods.owner(heap, text, fn, ...)
  if fn ~= nil and type(fn) ~= "function" then core.fail("husk.ledger.owner: a function expected, got " .. type(fn)) end
  local on = raw.is_on(heap)
  if on then
    raw.push(heap, text)
  elseif type(text) ~= "string" then
    core.fail("husk.ledger.owner: a string expected, got " .. type(text))
  end
  local pushed = setmetatable({heap = heap, on = on}, Scope)
  if not fn then return pushed end
  local _ <close> = pushed
  return fn(...)
end

-- ---- looking ----

-- husk.ledger.all(class): the open entries of all objects of a class, by default of all, that no slot accounts for, those
-- alike together, the most first: a list as of husk.ledger.of.
function methods.all(heap, class) return made(raw.all(heap, class, 0)) end

-- husk.ledger.find(number): the object that has this number in the ledger, or nil.
methods.find = raw.find

local function bound(heap)
  local ledger = {}
  for name, method in pairs(methods) do ledger[name] = core.bind(method, heap) end
  return ledger
end

local ledger = bound(default)

-- husk.ledger.of(x): what the ledger knows of x, a handle or a weak reference; nil if that is in none, or gone. A table: number
-- (in the order in which objects came into the ledger), count (references), before (those from before the ledger), lost, unpaired
-- (releases that could not be paired), born (where it was made, as husk.trace.of; of a handle only), and a list of rows, each a table: count, kind ("retain", "birth", "release"), owner ("slot",
-- "name", "nobody"), name (of the owner, or of the slot), holder (type of the object with the slot), number (of it), gone (it
-- does not hold x any more), text, traceback (as of husk.trace.of). tostring makes lines of it.
function ledger.of(x)
  local rows, book = raw.of(x, HELD | RELEASES)
  if not rows then return nil end
  local born = core.kind(x) ~= "weak" and raw.born(x)
  book.born = born and core.trace.traceback(born) or nil
  return made(rows, book)
end

-- husk.ledger.unpaired(x): the same rows, but only retains that were never paired with a release: without the slots that hold
-- x now (husk.why shows them) and without the handle that x is.
function ledger.unpaired(x)
  local rows, book = raw.of(x, 0)
  if not rows then return nil end
  local left = {}
  local handle = core.kind(x) ~= "weak"
  for _, row in ipairs(rows) do
    if handle and row.name == own_handle and row.count == 1 then
      handle = false
    else
      left[#left + 1] = row
    end
  end
  return made(left, book)
end

return setmetatable(ledger, {__call = function(_, heap)
  raw.is_on(heap == nil and default or heap) -- it is a heap that is open
  return heap == nil and ledger or bound(heap)
end})
