-- husk.snapfile: what the commands that read snapshots share: opening them, the options of statistics, progress.

local options = require "husk.options"
local host = require "husk.host"

local snapfile = {}

-- ---- progress ----

-- Work of several steps: a bar on stderr if it lasts longer than a second and stderr is a terminal.
local Progress = {}
Progress.__index = Progress

local BAR <const>, REDRAW_S <const> = 24, 0.1

function snapfile.progress(steps)
  return setmetatable({steps = steps, done = 0, started = os.clock(), shown = false, drawn = 0}, Progress)
end

-- Draws what is being done, if it is time for it.
local function draw(self, steps, what)
  local now = os.clock()
  if not host.isatty(2) or (not self.shown and now - self.started <= 1) then return end
  local full = BAR * steps // self.steps
  io.stderr:write(("\r\27[K[%s%s] %s"):format(("#"):rep(full), (" "):rep(BAR - full), what))
  io.stderr:flush()
  self.shown, self.drawn = true, now
end

-- The next step begins: says what it is.
function Progress:step(what)
  draw(self, self.done, what)
  self.done, self.what = self.done + 1, what
end

-- A sign of life within a step: so many bytes are written.
function Progress:wrote(bytes)
  if os.clock() - self.drawn < REDRAW_S then return end
  draw(self, self.done - 1, ("%s: %.0f MiB"):format(self.what, bytes / 2^20))
end

function Progress:finish()
  if self.shown then io.stderr:write("\r\27[K") end
end

-- ---- opening ----

local Unreadable = {__name = "husk.Unreadable"}
Unreadable.__tostring = function(e) return e.text end
function snapfile.is_unreadable(value) return getmetatable(value) == Unreadable end

-- Ends the command: exit code 3.
function snapfile.unreadable(text) error(setmetatable({text = text}, Unreadable), 0) end

-- The error of the module as its text, without the place in our Lua file, and its code.
local function failure(e)
  local text = tostring(e)
  return (text:gsub("^[^\n]-%.lua:%d+: ", "")), type(e) ~= "string" and e.code or nil
end

-- Calls; a failure of files becomes exit code 3, one of arguments 2.
function snapfile.try(fn, ...)
  local result = table.pack(pcall(fn, ...))
  if result[1] then return table.unpack(result, 2, result.n) end
  local text, code = failure(result[2])
  if code == "HUSK_EIO" or code == "HUSK_EFORMAT" or code == "HUSK_ENOMEM" then snapfile.unreadable(text) end
  local filter, column = text:match('^filter "([^\n]-)", column (%d+)')
  if filter then -- a mark below the place
    text = ("%s\n  %s\n  %s^"):format(text, filter, (" "):rep(math.tointeger(column) - 1))
  end
  if code == "HUSK_EINVAL" or code == "HUSK_EMISSING" or code == "HUSK_ERANGE" then options.fail("%s", text) end
  error(result[2], 0)
end

function snapfile.load(path)
  return snapfile.try(require("husk").snapshot.load, path)
end

-- ---- the options of statistics ----

snapfile.known = {
  by = "text", filter = "list", f = "filter", sort = "text", top = "number", n = "top", cumulative = "flag",
  untraced = "flag", traceback = "number", json = "flag",
}

-- What snap:statistics wants. Wrong words are found before a file is opened.
function snapfile.choice(command, got)
  local snapshot = require("husk").snapshot
  if got.by then options.one_of(command, "by", got.by, snapshot.groups()) end
  if got.sort then options.one_of(command, "sort", got.sort, snapshot.sorts()) end
  return {
    filter = got.filter, sort = got.sort, cumulative = got.cumulative, untraced = got.untraced,
    records = got.sort ~= nil and got.sort ~= "size" and got.sort ~= "count" or nil,
  }
end

-- Any snapshot that was not traced says nothing about places: by type then.
function snapfile.default_group(snap)
  return snap:counts().traced > 0 and "line" or "type"
end

-- ---- printing ----

-- The rows, the rest and the total, as lines.
function snapfile.print(stats, got)
  local top = got.top or 10
  for i = 1, math.min(top, #stats) do
    io.write(tostring(stats[i]), "\n")
    if got.traceback then io.write(stats:traceback(i, got.traceback, {functions = true, source = true}), "") end
  end
  local rest = stats:rest(top + 1)
  if rest then io.write(tostring(rest), "\n") end
  io.write(tostring(stats:total()), "\n")
end

local fields = {"size", "count", "size_diff", "count_diff", "born", "born_bytes", "died", "died_bytes", "temporary", "peak", "peak_bytes"}

local function row_object(json, row, is_comparison)
  local object = {}
  if row.name then object[#object + 1] = {"name", row.name} end
  if row.line and row.line > 0 then object[#object + 1] = {"line", row.line} end
  if row["function"] and row["function"] ~= "" then object[#object + 1] = {"function", row["function"]} end
  for _, name in ipairs(fields) do
    if row[name] and (is_comparison or not name:find("_diff")) then object[#object + 1] = {name, row[name]} end
  end
  return json.object(object)
end

-- The same as one JSON document: all rows, or the first `top`.
function snapfile.json(stats, got, group, comparison)
  local json = require "husk.json"
  local rows, top = {}, got.top or #stats
  for i = 1, math.min(top, #stats) do rows[i] = row_object(json, stats[i], comparison) end
  local rest = stats:rest(top + 1)
  local document = {{"by", group}, {"rows", json.list(rows)}, {"total", row_object(json, stats:total(), comparison)}}
  if rest then table.insert(document, 3, {"rest", row_object(json, rest, comparison)}) end
  io.write(json.encode(json.object(document)))
end

return snapfile
