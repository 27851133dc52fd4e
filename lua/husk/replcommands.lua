-- husk.replcommands: what a colon begins in `husk repl`: looking at objects without writing Lua for it. Each is
-- function(rest of the line), which prints.

local commands = {}

-- Of the present session.
local shots, order = {}, {}

local function value_of(text)
  if text == "" then error("which value?", 0) end
  local code, why = load("return " .. text, "=stdin", "t")
  if not code then error(why, 0) end
  return code()
end

-- The object of the words, or an error.
local function object_of(text)
  local husk = require "husk"
  local x = value_of(text)
  if not husk.isalive(x) then error(("%s is no object that is alive, but %s"):format(text, tostring(x)), 0) end
  return x
end

-- Objects of a type in one line, with how many there are.
local function grouped(list)
  local husk = require "husk"
  local counts, names = {}, {}
  for _, x in ipairs(list) do
    local name = type(x) == "string" and "text" or husk.typename(x)
    if not counts[name] then names[#names + 1] = name end
    counts[name] = (counts[name] or 0) + 1
  end
  table.sort(names)
  for i, name in ipairs(names) do names[i] = ("%d %s"):format(counts[name], name) end
  return #names > 0 and table.concat(names, ", ") or "nothing"
end

local known = {}

function known.type(text)
  local husk = require "husk"
  local x = value_of(text)
  local kind = husk.kind(x)
  if not husk.isalive(x) then
    print(kind or type(x))
  else
    print(("%s, type %s, in heap '%s'"):format(kind, husk.typename(x), husk.heap_of(x):name()))
  end
end

-- ", FILE:LINE" of a row of husk.ledger.
local function place_of(row)
  local frame = row.traceback[1]
  return frame and frame.line > 0 and (", %s:%d"):format(frame.file, frame.line) or ""
end

function known.refs(text)
  local husk = require "husk"
  local x = object_of(text)
  print(("%d references besides the handle"):format(husk.refcount(x)))
  print("from " .. grouped(husk.referrers(x)))
  print("to " .. grouped(husk.referents(x)))
  local rows = husk.ledger.unpaired(x)
  if not rows then return end
  for _, row in ipairs(rows) do print("never paired: " .. row.text .. place_of(row)) end
  if #rows == 0 then print("no retain that was never paired") end
end

function known.why(text)
  local paths, none = require("husk").why(object_of(text), 5)
  for _, path in ipairs(paths) do print(path.text) end
  if none then print(none) end
end

function known.size(text) print(("%d bytes"):format(require("husk").size(object_of(text)))) end

-- What a report says, one of more than ten rows cut.
local function print_report(report)
  local lines = 0
  for line in tostring(report):gmatch("[^\n]+") do
    lines = lines + 1
    if lines <= 11 then print(line) end
  end
  if lines > 11 then print(("and %d more"):format(lines - 11)) end
end

function known.dry() print_report(require("husk").dry_run()) end

function known.hidden(text)
  local husk = require "husk"
  if text == "" then return print_report(husk.hidden()) end
  local count = husk.gc.hidden_of(object_of(text))
  print(count and ("%d references besides the handle come from outside the heap"):format(count - 1) or "not known: it is immortal")
end

function known.snap(name)
  if name == "" then name = tostring(#order + 1) end
  local shot = require("husk").snapshot.take()
  if shots[name] then shots[name]:close() else order[#order + 1] = name end
  shots[name] = shot
  print(("%s: %s"):format(name, tostring(shot)))
end

local function shot_of(name)
  local shot = shots[name]
  if not shot then error(("there is no snapshot '%s'; :snap %s takes it"):format(name, name), 0) end
  return shot
end

function known.diff(text)
  local a, b = text:match("^(%S+)%s+(%S+)$")
  if not a and text ~= "" then error(":diff wants two names, or none", 0) end
  local stats
  if a then
    stats = shot_of(b):compare(shot_of(a), "type")
    for i = 1, math.min(10, #stats) do print(stats[i]) end
  else
    if #order == 0 then error("there is no snapshot yet; :snap takes one", 0) end
    local now <close> = require("husk").snapshot.take()
    stats = now:compare(shots[order[#order]], "type")
    for i = 1, math.min(10, #stats) do print(stats[i]) end
  end
end

function known.help()
  print [[
:type x         what it is            :refs x         references to it and from it
:why x          what keeps it alive   :size x         bytes of its block
:dry            what a pass would end :hidden [x]     who is held from outside
:snap [NAME]    takes a snapshot      :diff [A B]     what changed since
Any other line is Lua; the module is in husk.]]
end

-- What the line does, as a function without arguments.
function commands.compile(name, rest)
  local run = known[name]
  return function()
    if not run then error((":%s is no command; :help lists them"):format(name), 0) end
    run(rest)
  end
end

return commands
