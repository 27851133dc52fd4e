-- Packages: the dependency graph of a Debian package database, built as objects and then dropped.
--
--   packages.lua [FILE]     FILE is /var/lib/dpkg/status by default
--
-- One object for each installed package, with a reference to each package that its Depends and Pre-Depends
-- need: of alternatives (a | b) the first that is there, a real package before one that Provides the name.
-- Versions are not compared: dpkg has seen to them. Then all roots are dropped at one moment. What no cycle
-- holds dies by counting, at once; what is in a dependency cycle, or behind one, waits for the collector.
-- Exit code 3: FILE cannot be read.

local husk = require "husk"

local path = arg and arg[1] or "/var/lib/dpkg/status"

local function fail(text)
  io.stderr:write("packages.lua: ", text, "\n")
  os.exit(3, true)
end

-- ---- reading: paragraphs of "Field: value" lines, continued by lines that begin with a blank ----

local function read_paragraphs(file)
  local paragraphs, current, field, number = {}, nil, nil, 0
  local function finish()
    if current and not current.Package then
      fail(("%s:%d: the paragraph has no Package field"):format(path, current.line))
    end
    paragraphs[#paragraphs + 1], current, field = current, nil, nil
  end
  for line in file:lines() do
    number = number + 1
    if not line:find("%S") then
      finish()
    elseif line:find("^[ \t]") then
      if not field then fail(("%s:%d: a continuation line without a field"):format(path, number)) end
      current[field] = current[field] .. "\n" .. line
    else
      local name, value = line:match("^([^%s:]+):%s*(.-)%s*$")
      if not name then
        fail(("%s:%d: not a 'Field: value' line: %s"):format(path, number, line:sub(1, 60)))
      end
      current = current or {line = number}
      if current[name] then fail(("%s:%d: field %s is there twice"):format(path, number, name)) end
      field, current[name] = name, value
    end
  end
  finish()
  if #paragraphs == 0 then fail(path .. ": no packages in it") end
  return paragraphs
end

-- "libc6 (>= 2.36), awk | mawk:any" -> {{"libc6"}, {"awk", "mawk"}}
local function parse_relations(text, from)
  local clauses = {}
  for clause in (text or ""):gmatch("[^,]+") do
    local names = {}
    for choice in clause:gmatch("[^|]+") do
      local name = choice:match("^%s*([%w][%w+.-]*)")
      if not name then
        fail(("%s:%d: package %s: cannot understand '%s'"):format(path, from.line, from.Package, choice))
      end
      names[#names + 1] = name
    end
    clauses[#clauses + 1] = names
  end
  return clauses
end

local file, why = io.open(path)
if not file then fail(why) end
if not file:read(0) and file:seek("end") ~= 0 then fail(path .. ": it cannot be read") end
file:seek("set")
local installed = {}
for _, paragraph in ipairs(read_paragraphs(file)) do
  if not paragraph.Status or paragraph.Status:find("%sinstalled$") then
    installed[#installed + 1] = paragraph
  end
end
file:close()

-- ---- building: the objects, and who can stand for a name ----

husk.disable("packages") -- no pass by itself in between: the figures are to be exact
local Package = husk.type("Package", {"name", "version", "needs"})
local real, provided, objects = {}, {}, {}
for i, entry in ipairs(installed) do
  local object = Package{name = entry.Package, version = entry.Version, needs = husk.list{}}
  objects[i] = object
  real[entry.Package] = real[entry.Package] or object
  for _, names in ipairs(parse_relations(entry.Provides, entry)) do
    provided[names[1]] = provided[names[1]] or object
  end
end

local references, missing = 0, 0
for i, entry in ipairs(installed) do
  local object, needs, seen = objects[i], objects[i].needs, {}
  for _, field in ipairs{"Pre-Depends", "Depends"} do
    for _, names in ipairs(parse_relations(entry[field], entry)) do
      local found
      for _, name in ipairs(names) do
        found = found or real[name] or provided[name]
      end
      if not found then
        missing = missing + 1
      elseif found ~= object and not seen[found] then -- once for each, and none to itself
        seen[found] = true
        needs:append(found)
        references = references + 1
      end
    end
  end
end

local roots = husk.list(objects)
objects, real, provided, installed = nil, nil, nil, nil
collectgarbage() -- the handles of this script go; from here on only `roots` holds the packages
collectgarbage()

-- ---- dropping, and what it took ----

local function alive() return husk.census().Package or 0 end

local function bytes()
  local figures = husk.figures()
  return figures.object_bytes + figures.buffer_bytes
end

local packages, bytes_before = alive(), bytes()
local started = os.clock()
roots:release()
local dropped = os.clock()
local left, bytes_dropped = alive(), bytes()
local pass = husk.collect{handles = false}
local collected = os.clock()
husk.enable()

print("packages                     " .. packages)
print("references                   " .. references)
print("dependencies that are absent " .. missing)
print("died at once, by counting    " .. packages - left)
print("in or behind a cycle         " .. left)
print("found by the collector       " .. left - alive())
print("bytes before                 " .. bytes_before)
print("bytes after dropping         " .. bytes_dropped)
print("bytes after collecting       " .. bytes())
print(("time of dropping             %.3f ms"):format((dropped - started) * 1e3))
print(("time of collecting           %.3f ms"):format((collected - dropped) * 1e3))
assert(pass.uncollectable == 0 and husk.verify())
