-- Dry runs, hidden references and leaks from Lua.
local husk = require "husk"
local core = require "husk.core"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises

local ended = {}
local Node = husk.type("Node", {"value", "next"}, {finalize = function(n) ended[#ended + 1] = n.value end})

-- n objects that hold themselves and a text.
local function garbage(h, n)
  for i = 1, n do
    local node <close> = h:new(Node, {value = i})
    node.next = node
  end
end

test("a dry run says what a collect then does", function()
  local h <close> = husk.heap{}
  local kept = h:new(Node, {value = 0})
  garbage(h, 3)
  local ring <close> = h:list{"text"}
  ring:append(ring)
  ring:release()
  local before = h:figures()
  local dry = h:dry_run{objects = 2}
  local after = h:figures()
  for name, value in pairs(before) do eq(after[name], value) end
  eq(dry.garbage, 4)
  eq(dry.objects, 5) -- the text too
  eq(dry.followers, 1)
  eq(dry.finalizers, 3)
  eq(dry.callbacks, 0)
  eq(dry.cleanups, 0)
  eq(dry.waiting, 0)
  eq(#dry.listed, 2)
  eq(dry.listed[1].follower, false)
  eq(math.type(dry.listed[1].address), "integer")
  eq(#dry.steps, 3)
  local sum = 0
  for _, step in ipairs(dry.steps) do
    eq(step.kind, "finalizer")
    eq(step.type, "Node")
    eq(step.hook, step.address)
  end
  for _, row in ipairs(dry.types) do sum = sum + row.bytes end
  eq(sum, dry.bytes)
  eq(dry.pause_ns, dry.find_ns + dry.finalize_ns + dry.reclaim_ns)
  eq(dry.basis.find, "dry run")
  eq(dry.basis.finalize, "none")
  ok(tostring(dry):find("would end 5 objects", 1, true))
  ok(tostring(dry):find("3 Node, ", 1, true))
  eq(#ended, 0)
  eq(h:collect().collected, dry.garbage)
  eq(#ended, 3)
  eq(before.objects - h:figures().objects, dry.objects)
  ended = {}
  garbage(h, 1)
  eq(h:dry_run().basis.finalize, "passes")
  eq(#h:dry_run().listed, 0)
  ok(husk.isalive(kept))
end)

test("handles that Lua has dropped are no references, unless told so", function()
  local h <close> = husk.heap{}
  do
    local l = h:list{}
    l:append(l)
  end
  eq(h:dry_run{handles = false}.objects, 0)
  eq(h:dry_run().objects, 1)
end)

test("hidden references", function()
  local h <close> = husk.heap{}
  local inner = h:list{}
  local outer = h:list{inner, inner}
  eq(husk.gc.hidden_of(outer), 1)
  eq(husk.gc.hidden_of(inner), 1)
  inner:release()
  local census = h:hidden{objects = 5}
  eq(census.examined, 2)
  eq(census.objects, 1)
  eq(census.references, 1)
  eq(#census.types, 1)
  eq(census.types[1].type, "list")
  eq(census.types[1].references, 1)
  eq(#census.listed, 1)
  eq(census.listed[1].references, 1)
  eq(#census.damaged, 0)
  ok(tostring(census):find("1 object, held from outside by 1 reference", 1, true))
  local many = {outer, outer[1], outer}
  local found = table.pack(husk.gc.hidden_of(table.unpack(many)))
  eq(found.n, 3)
  eq(table.concat(found, " "), "1 1 1")
  many[2]:release()
  for i = 1, 5000 do many[i] = i % 2 == 0 and outer or h:list{} end
  eq(select("#", husk.gc.hidden_of(table.unpack(many))), 5000)
  core.obj.make_immortal(outer)
  eq(husk.gc.hidden_of(outer), nil)
  found = table.pack(husk.gc.hidden_of(many[1], outer, many[3]))
  eq(found.n, 3)
  eq(found[1], 1)
  eq(found[2], nil)
  eq(found[3], 1)
  for i = 1, 5000, 2 do many[i]:release() end
  eq(h:hidden().unknown, 1)
end)

test("by the place where they were made", function()
  local h <close> = husk.heap{}
  husk.trace(h).start()
  local a, b = h:list{}, h:list{}
  local rows = h:hidden{by = "place"}.types
  eq(#rows, 1)
  ok(rows[1].place:find("survey.lua:%d+ in "), rows[1].place)
  eq(rows[1].objects, 2)
  eq(h:hidden{by = "type"}.types[1].place, nil)
  ok(a and b)
end)

test("finding leaks", function()
  local h <close> = husk.heap{}
  local reports = {}
  ended = {}
  eq(h:find_leaks(), false)
  h:find_leaks(function(report) reports[#reports + 1] = report end, {objects = 1})
  eq(h:find_leaks(), true)
  garbage(h, 3)
  local pass = h:collect{handles = false}
  eq(pass.collected, 0)
  eq(pass.deferred, 3)
  eq(#ended, 0)
  eq(#reports, 1)
  eq(reports[1].objects, 3)
  eq(reports[1].summary, false)
  eq(reports[1].types[1].type, "Node")
  eq(#reports[1].listed, 1)
  ok(tostring(reports[1]):find("^leaks: 3 objects"))
  h:collect{handles = false}
  eq(#reports, 1)
  eq(h:figures().objects, 3)
  local all = h:leaks{objects = 10}
  eq(all.summary, true)
  eq(all.objects, 3)
  eq(#all.listed, 3)
  h:find_leaks(false)
  eq(h:collect{handles = false}.collected, 3)
  eq(#ended, 3)
  ended = {}
end)

test("leaks for the error hook, and at close", function()
  local lines = {}
  local h = husk.heap{}
  ended = {}
  h:on_error(function(code, text) lines[#lines + 1] = code .. " " .. text end)
  h:find_leaks(true)
  garbage(h, 1)
  h:collect{handles = false}
  eq(#lines, 1)
  ok(lines[1]:find("^HUSK_ESTATE leak: 1 object of type Node, %d+ bytes"))
  h:close()
  ok(lines[2]:find("leaks in all: 1 object of type Node", 1, true))
  eq(#ended, 0) -- no finalizer ran
end)

test("an error in the function is told, and the pass goes on", function()
  local lines = {}
  local h <close> = husk.heap{}
  h:on_error(function(_, text) lines[#lines + 1] = text end)
  h:find_leaks(function() error("no") end)
  garbage(h, 1)
  h:collect{handles = false}
  ok(lines[1]:find("callback of finding leaks: .*no"))
  ok(h:verify())
  h:find_leaks(false)
  eq(h:collect{handles = false}.collected, 1)
  ended = {}
end)

test("bad arguments", function()
  local h <close> = husk.heap{}
  raises("HUSK_EINVAL", "heap:dry_run: unknown option 'foo'; there are handles, objects", function() h:dry_run{foo = 1} end)
  raises("HUSK_EINVAL", "objects is a number, not a string", function() h:dry_run{objects = "x"} end)
  raises("HUSK_ERANGE", "objects is an integer from 0 on, not %-3", function() h:dry_run{objects = -3} end)
  raises("HUSK_EINVAL", "table of options", function() h:hidden(1) end)
  raises("HUSK_EINVAL", "by is \"type\" or \"place\"", function() h:hidden{by = "x"} end)
  raises("HUSK_EINVAL", "true, false or a function", function() h:find_leaks(1) end)
  raises("HUSK_EINVAL", "", function() husk.gc.hidden_of(5) end)
  raises("HUSK_EINVAL", "", function() husk.gc.hidden_of() end)
  raises("HUSK_EINVAL", "", function() husk.gc.hidden_of(h:list(), nil) end)
  raises("HUSK_EINVAL", "object 1 is of heap", function() husk.gc.hidden_of(h:list(), husk.list()) end)
  local closed = husk.heap{}
  closed:close()
  for _, name in ipairs{"dry_run", "hidden", "leaks", "find_leaks"} do
    raises("HUSK_ESTATE", "", function() closed[name](closed) end)
  end
  local refused
  local Odd = husk.type("Odd", {"x"}, {finalize = function(x)
    for _, name in ipairs{"dry_run", "hidden", "leaks"} do
      raises("HUSK_EBUSY", "", function() husk.heap_of(x)[name](husk.heap_of(x), {}) end)
    end
    refused = true
  end})
  h:new(Odd):release()
  ok(refused)
end)

test("husk.gc has them for the default heap", function()
  eq(husk.gc.dry_run().objects, 0)
  ok(husk.gc.hidden().references >= 0)
  eq(husk.gc.find_leaks(), false)
  eq(husk.gc.leaks().objects, 0)
end)

tap.done()
