-- What a pass would do, what holds objects from outside, and leaks told instead of freed.

local core = require "husk.core"

local heap <const> = core.heap
local raw <const> = core.survey
local handles <const> = heap.collect_handles -- before heap.lua takes it away

-- Options by name; `known` says of what type each is.
local function check(options, where, known)
  if options ~= nil and type(options) ~= "table" then
    core.fail(("%s: a table of options expected, got %s"):format(where, type(options)))
  end
  for key, value in next, options or {} do
    if not known[key] then
      local names = {}
      for name in next, known do names[#names + 1] = name end
      table.sort(names)
      core.fail(("%s: unknown option '%s'; there are %s"):format(where, tostring(key), table.concat(names, ", ")))
    elseif type(value) ~= known[key] then
      core.fail(("%s: %s is a %s, not a %s"):format(where, key, known[key], type(value)))
    end
  end
  return options or {}
end

local function amount(n, thing) return ("%d %s%s"):format(n, thing, n == 1 and "" or "s") end

-- Rows and single objects as lines.
local function add_rows(lines, report)
  for _, row in ipairs(report.types) do
    lines[#lines + 1] = ("%8d %s, %s%s%s"):format(row.objects, row.type,
      row.references and amount(row.references, "reference") .. ", " or "", amount(row.bytes, "byte"),
      row.place and ", made at " .. row.place or "")
  end
end

local Dry = {__name = "husk.DryRun"}
function Dry:__tostring()
  local lines = {("would end %s, %s%s, in about %.3f ms"):format(amount(self.objects, "object"), amount(self.bytes, "byte"),
    self.followers > 0 and (" (%d held by garbage alone)"):format(self.followers) or "", self.pause_ns / 1e6)}
  add_rows(lines, self)
  for _, step in ipairs(self.steps) do lines[#lines + 1] = ("%s of %s"):format(step.kind, step.type) end
  return table.concat(lines, "\n")
end

-- heap:dry_run(options): what collect{handles = false} would do, without doing it: a table: examined, garbage, objects and bytes
-- (all that would die), followers (of these, what only garbage holds), finalizers, callbacks, cleanups, disposes, waiting (dead
-- already, ended first, not counted here); types, a list: type, objects, bytes, most bytes first; steps, a list in the order in
-- which code would run: kind ("finalizer", "callback", "cleanup"), type and address of the object that dies, hook, the address
-- of what is called; the expected pause_ns and its parts find_ns, finalize_ns, reclaim_ns, and basis, where each comes from:
-- "dry run", "passes" (this heap's earlier ones), "none" (not counted). Options: objects, how many are listed one by one (list:
-- address, type, place, bytes, follower); handles = false: Lua's collector does not run before. tostring: as lines.
function heap:dry_run(options)
  local o = check(options, "heap:dry_run", {objects = "number", handles = "boolean"})
  if o.handles ~= false then handles(self) end
  return setmetatable(raw.dry_run(self, o.objects), Dry)
end

local Hidden = {__name = "husk.Hidden"}
function Hidden:__tostring()
  local lines = {("%s, held from outside by %s"):format(amount(self.objects, "object"), amount(self.references, "reference"))}
  add_rows(lines, self)
  for _, object in ipairs(self.damaged) do
    lines[#lines + 1] = ("damaged: %s at 0x%x has %d references too few"):format(object.type, object.address,
      -object.references)
  end
  return table.concat(lines, "\n")
end

-- heap:hidden(options): who is held from outside: references that no slot accounts for, handles of Lua among them: a table:
-- examined, objects (with hidden references), references, unknown (immortal ones), types, a list: type, objects, references,
-- bytes, most references first; damaged, a list of objects with fewer references than slots that hold them. Options: objects,
-- how many are listed one by one (listed: address, type, place, bytes, references); by = "place": rows by type and by the place
-- where they were made. tostring: as lines.
function heap:hidden(options)
  local o = check(options, "heap:hidden", {objects = "number", by = "string"})
  if o.by ~= nil and o.by ~= "place" and o.by ~= "type" then
    core.fail(("heap:hidden: by is \"type\" or \"place\", not \"%s\""):format(o.by))
  end
  return setmetatable(raw.hidden(self, o.objects, o.by == "place"), Hidden)
end

local Leaks = {__name = "husk.Leaks"}
function Leaks:__tostring()
  local lines = {("%s: %s, %s"):format(self.summary and "leaks in all" or "leaks", amount(self.objects, "object"),
    amount(self.bytes, "byte"))}
  add_rows(lines, self)
  return table.concat(lines, "\n")
end

-- heap:find_leaks(on, options): finding leaks: passes free nothing and tell each unreachable object once. on: a function that is
-- called with the report (objects, bytes, followers, unreachable, summary, types, listed) after a pass that found something new,
-- and when the heap closes with all that were told; true: the error hook gets a line for each type and place; false: off, and
-- what was told is garbage again. Options: objects, how many are listed one by one. Without arguments: whether it is on.
-- Finalizers do not run, counts and weak references stay as they are.
function heap:find_leaks(on, options)
  if on == nil then return raw.is_finding_leaks(self) end
  if type(on) ~= "boolean" and type(on) ~= "function" then
    core.fail("heap:find_leaks: true, false or a function expected, got " .. type(on))
  end
  local o = check(options, "heap:find_leaks", {objects = "number"})
  local told = type(on) == "function" and function(report) on(setmetatable(report, Leaks)) end or nil
  raw.find_leaks(self, on and true, told, o.objects)
end

-- heap:leaks(options): what was told so far and is unreachable still: a report as above. Options: objects.
function heap:leaks(options)
  local o = check(options, "heap:leaks", {objects = "number"})
  return setmetatable(raw.leaks(self, o.objects), Leaks)
end
heap.set_find_leaks = nil

return true
