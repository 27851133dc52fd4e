-- lua5.4 reference.lua ROOT: what the comments of the Lua layer describe (docs/lua-reference.md) and what the
-- annotations declare (bindings/lua/meta) is what the module has, with the same arguments; and nothing is missing.
local root = arg[1]
package.path = root .. "/tests/docs/?.lua;" .. package.path
local husk = require "husk"
local core = require "husk.core"
local reference = require "reference"
local tap = require "tap"
local test, eq, ok = tap.test, tap.eq, tap.ok

-- Handles of each kind, whose metatables have the methods.
local Node = husk.type("Node", {"value"})
local node = Node{}
local handles = {
  list = husk.list{}, box = husk.box(1), weak = husk.weak(node), keys = husk.weak.keys(), set = husk.weak.set(),
  finalizer = husk.weak.finalize(node, function() end), record = node, heap = husk.default,
  snapshot = husk.snapshot.take(), soft = husk.weak.soft(node), queue = husk.weak.queue(),
}
handles.watch = handles.queue:watch(node, "tag")
local expect = require "husk.expect"
local workload = require "husk.workload"
local workloads = { -- tables; what is not described of their methods is internal
  graph = workload.graph{n = 1}, churn = workload.churn{live = 1}, cache = workload.cache(), cycles = workload.cycles{live = 1},
}
handles.statistics = handles.snapshot:statistics("type")

-- "owner.name" or "owner:name" -> function, of all that is public.
local function public()
  local all = {}
  local function add(prefix, t)
    for name, value in pairs(t) do
      if type(value) == "function" then all[prefix .. name] = value end
    end
  end
  add("husk.gc.", husk.gc)
  add("husk.weak.", husk.weak)
  add("husk.trace.", husk.trace)
  add("husk.ledger.", husk.ledger)
  add("husk.memory.", husk.memory)
  add("husk.snapshot.", husk.snapshot)
  add("husk.workload.", workload)
  add("expect.", expect)
  add("mark:", getmetatable(expect.mark()).__index)
  for kind, made in pairs(workloads) do
    for name, method in pairs(getmetatable(made).__index) do
      if type(method) == "function" and (name == "step" or name == "release" or name == "lookup") then
        all[kind .. ":" .. name] = method
      end
    end
  end
  add("child:", core.snapshot.child_methods)
  add("heap:", core.heap)
  for name, value in pairs(husk) do
    -- Methods of heaps are there twice, and described once.
    if type(value) == "function" and not (core.heap[name] and name ~= "heap" and name ~= "type") then
      all["husk." .. name] = value
    end
  end
  for kind, handle in pairs(handles) do
    add(kind .. ":", debug.getmetatable(handle).methods or {})
  end
  all["record:release"], all["record:close"] = node.release, node.close
  return all
end

local entries = {} -- "heap:list" -> "items"
for _, entry in ipairs(reference.entries(root)) do
  for _, name in ipairs(entry.names) do
    local bare, args = name:match("^(.-)%((.*)%)$")
    if bare and bare ~= "finalizer" then entries[bare] = args end
  end
end

test("each function of the module is described, and each description is of one", function()
  local all, missing = public(), {}
  for name in pairs(all) do
    if not entries[name] then missing[#missing + 1] = name end
  end
  table.sort(missing)
  eq(table.concat(missing, " "), "")
  for name in pairs(entries) do
    if not all[name] then missing[#missing + 1] = name end
  end
  table.sort(missing)
  eq(table.concat(missing, " "), "")
  ok(debug.getmetatable(handles.finalizer).__call)
end)

-- ---- the annotations ----

local owners = {Heap = "heap:", Record = "record:", List = "list:", Box = "box:", Weak = "weak:", WeakKeyMap = "keys:",
  WeakSet = "set:", Finalizer = "finalizer:", Soft = "soft:", Queue = "queue:", Watch = "watch:", husk = "husk.", gc = "husk.gc.", weak = "husk.weak.",
  trace = "husk.trace.", ledger = "husk.ledger.", memory = "husk.memory.", snapshot = "husk.snapshot.", Snapshot = "snapshot:",
  Statistics = "statistics:", Child = "child:", workload = "husk.workload.",
  expect = "expect.", Mark = "mark:", Graph = "graph:", Churn = "churn:", Cache = "cache:", Cycles = "cycles:"}
local declared, fields = {}, {}
for _, file in ipairs{"handles", "husk", "memory", "workload", "expect"} do
  local path = ("%s/bindings/lua/meta/%s.d.lua"):format(root, file)
  local class
  local documented, params = false, {}
  for line in io.lines(path) do
    class = line:match("^%-%-%-@class ([%w_.]+)") or class
    local field = line:match("^%-%-%-@field ([%w_]+)")
    if field then
      fields[class] = fields[class] or {}
      fields[class][field] = true
    end
    if line:match("^%-%-%- ") then documented = true end
    local param = line:match("^%-%-%-@param ([%w_.]+)")
    if param then params[#params + 1] = param end
    local owner, sep, name, args = line:match("^function (%w+)([.:])([%w_]+)%((.*)%) end$")
    if name then
      declared[owners[owner] .. name] = {args = args, documented = documented, params = table.concat(params, ", ")}
      if (sep == ":") ~= (owners[owner]:sub(-1) == ":") then error(line) end
    end
    if not line:match("^%-%-%-") then documented, params = false, {} end
  end
  assert(loadfile(path))
end

test("each described function is annotated, with the same arguments, each with a type and words", function()
  for name, args in pairs(entries) do
    local as = declared[name]
    ok(as, name .. " is not annotated")
    eq(name .. "(" .. as.args .. ")", name .. "(" .. args .. ")")
    eq(name .. ": " .. as.params, name .. ": " .. args)
    ok(as.documented, name .. " has no words")
  end
end)

test("the annotations declare nothing else; a heap's methods are there as functions too", function()
  for name, as in pairs(declared) do
    local heap_method = name:match("^husk%.([%w_]+)$")
    if not entries[name] then
      ok(heap_method and entries["heap:" .. heap_method], name .. " does not exist")
      eq(as.args, entries["heap:" .. heap_method])
    end
  end
  for name in pairs(entries) do
    local method = name:match("^heap:(.*)")
    if method and husk[method] and method ~= "close" then ok(declared["husk." .. method], "husk." .. method) end
  end
end)

test("the annotated figures are those that there are", function()
  for class, value in pairs{["husk.Pass"] = husk.collect(), ["husk.Pacing"] = husk.pacing(),
      ["husk.Counts"] = husk.counts(), ["husk.Generation"] = husk.stats(1), ["husk.Steps"] = husk.steps(), ["husk.Figures"] = husk.figures(),
      ["husk.Traced"] = husk.trace.figures(), ["husk.SizeClass"] = husk.classes()[1],
      ["husk.Look"] = expect.no_growth(function() end, {rounds = 1, windows = 2}),
      ["husk.Failure"] = select(2, pcall(expect.that, false)),
      ["husk.SnapshotCounts"] = handles.snapshot:counts(),
      ["husk.Error"] = select(2, pcall(function() return node.colour end))} do
    for name in pairs(value) do ok(fields[class][name], class .. "." .. name .. " is not annotated") end
    for name in pairs(fields[class]) do ok(value[name] ~= nil, class .. "." .. name .. " does not exist") end
  end
  for _, name in ipairs{"alive", "state"} do
    ok(fields["husk.Weak"][name] and handles.weak[name] ~= nil)
  end
  for _, name in ipairs{"alive", "holding", "state"} do
    ok(fields["husk.Soft"][name] and handles.soft[name] ~= nil)
  end
  for _, name in ipairs{"alive", "tag"} do
    ok(fields["husk.Watch"][name] and handles.watch[name] ~= nil)
  end
  for _, name in ipairs{"alive", "atexit"} do
    ok(fields["husk.Finalizer"][name] and handles.finalizer[name] ~= nil)
  end
end)

for _, made in pairs(workloads) do made:release() end
handles.snapshot:close() -- its memory is no heap's
tap.done()
