-- lua5.4 treelib.lua SCRATCH LIBRARY CLEAN: a library on Husk (tests/fixtures/treelib) with three bugs, each found and named by a
-- script of a few lines; and the same library without them, where nothing is found.
local core = require "husk.core"
local expect = require "husk.expect"
local ffi = require "husk.ffi"
local husk = require "husk"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises

ffi.cdef [[
  typedef struct husk_heap husk_heap; typedef struct husk_obj husk_obj;
  int tree_plant(const char *bug);
  husk_obj *tree_registry_new(husk_heap *heap);
  husk_obj *tree_node_new(husk_obj *parent, int number);
  int tree_node_number(husk_obj *node);
  husk_obj *tree_find(husk_obj *registry, const int *path, size_t count);
  void tree_let_go(husk_obj *node);
  int tree_remove(husk_obj *node);
  void tree_each(husk_obj *registry, _Bool (*each)(int, int, void *), void *data);
]]
local function load(path)
  local lib = ffi.load(path)
  ffi.annotate(lib, {
    tree_registry_new = {result = "full"}, tree_node_new = {result = "full"}, tree_find = {result = "full nullable"},
    tree_each = {[3] = "nullable"},
  })
  return lib
end

-- A registry with the trees 1 and 2, each with children 10 and 20.
local function planted(lib)
  local registry = lib.tree_registry_new(husk.default)
  for root = 1, 2 do
    local node = lib.tree_node_new(registry, root)
    for child = 10, 20, 10 do lib.tree_node_new(node, child) end
  end
  tap.settle()
  return registry
end

local function find(lib, registry, ...)
  return lib.tree_find(registry, ffi.new("int[?]", select("#", ...), {...}), select("#", ...))
end

-- Objects of a type that somebody holds whom no slot and no handle of ours accounts for: {number, references}.
local function held(lib, name)
  local found = {}
  tap.settle()
  for _, x in ipairs(husk.default:objects()) do
    if core.type_name(x) == name then
      local hidden = husk.getrefcount(x) - 1 - #husk.referrers(x)
      if hidden > 0 then found[#found + 1] = {number = name == "tree_node" and lib.tree_node_number(x), hidden = hidden} end
    end
  end
  return found
end

-- Processes of their own: after a release too many nothing holds any more.
if arg[4] then
  local lib = load(arg[2])
  lib.tree_plant("double release")
  local registry = planted(lib)
  if arg[4] == "held" then -- the children of the node still refer to it
    husk.release((function()
      local node = find(lib, registry, 1)
      lib.tree_remove(node)
      return node
    end)()) -- a handle counts too, and would hide that a reference is missing
    husk.verify()
  else -- nothing else refers to it but its handle
    local node = find(lib, registry, 2, 20)
    find(lib, registry, 1)
    lib.tree_remove(node)
    husk.release(node)
  end
  os.exit(0)
end

local bugs, clean = load(arg[2]), load(arg[3])

-- What each experiment does; the clean library passes them all.
local function misses(lib)
  local registry = planted(lib)
  expect.no_growth(function() find(lib, registry, 1, 30) end, {args = {registry}, rounds = 1000})
  eq(#held(lib, "tree_node"), 0)
end

local function finds(lib)
  local registry = planted(lib)
  find(lib, registry, 2, 20)
  tap.settle()
  local found = held(lib, "tree_node")
  eq(#found, 0)
end

test("iteration, by a callback", function()
  local registry, seen = planted(clean), {}
  clean.tree_each(registry, function(number, depth)
    seen[#seen + 1] = ("%d@%d"):format(number, depth)
    return true
  end, nil)
  eq(table.concat(seen, " "), "2@0 20@1 10@1 1@0 20@1 10@1")
  eq(find(clean, registry, 2, 10) ~= nil, true)
end)

test("without bugs nothing is found", function()
  for _, lib in ipairs {clean, bugs} do
    eq(lib.tree_plant("none"), 0)
    misses(lib)
    finds(lib)
    local registry = planted(lib)
    eq(lib.tree_remove(find(lib, registry, 1)), 0)
    ok(husk.verify())
    local watch = husk.weak(registry)
    registry = nil
    tap.settle()
    expect.dead(watch)
  end
  ok(clean.tree_plant("lost release") ~= 0)
end)

test("lost release: the node that a failed search stopped at is held once more by each", function()
  eq(bugs.tree_plant("lost release"), 0)
  local registry = planted(bugs)
  for _ = 1, 7 do find(bugs, registry, 1, 30) end
  local found = held(bugs, "tree_node")
  eq(#found, 1)
  eq(found[1].number, 1)
  eq(found[1].hidden, 7)
  local node = find(bugs, registry, 1)
  local failure = tostring(raises(nil, "it grows", function()
    expect.no_growth(function() find(bugs, registry, 1, 30) end, {args = {node}})
  end))
  ok(failure:find("argument 1, tree_node.*references in"), failure)
  -- The lost ones are let go, so that the heap is empty at the end.
  for _ = 1, husk.getrefcount(node) - 1 - #husk.referrers(node) do bugs.tree_let_go(node) end
  bugs.tree_plant("none")
end)

test("hidden reference: counted, and in no slot that the type tells of", function()
  eq(bugs.tree_plant("hidden reference"), 0)
  local registry = planted(bugs)
  find(bugs, registry, 2, 20)
  local found = held(bugs, "tree_node")
  eq(#found, 1)
  eq(found[1].number, 20)
  eq(found[1].hidden, 1)
  local dead = husk.weak(registry)
  registry = nil
  tap.settle()
  raises(nil, "tree_registry is alive", function() expect.dead(dead) end) -- a cycle through it, which no pass may free
  local names = {}
  for _, x in ipairs(husk.default:objects()) do
    if core.type_name(x) == "tree_registry" then names[#names + 1] = x end
  end
  eq(#names, 1)
  local last = find(bugs, names[1], 2)
  bugs.tree_let_go(last)
  bugs.tree_plant("none")
end)

-- What this script prints as another process in that case, and how it ended.
local function other(case)
  local pipe = assert(io.popen(("exec 2>&1; '%s' '%s' '%s' '%s' '%s' %s"):format(arg[-1], arg[0], arg[1], arg[2], arg[3], case)))
  local text = pipe:read("a")
  local _, how, code = pipe:close()
  return text, how, code
end

test("double release: of a node that others refer to, verify and the next pass name the type", function()
  local text, how, code = other("held")
  ok(text:find("object of type tree_node: 3 slots hold it, but its count is 2", 1, true), text)
  ok(text:find("object of type tree_node at 0x%x+ has %d references, but %d are stored in slots; nothing was freed"), text)
  ok(how == "exit" and code == 1, text)
end)

test("double release: of a node that nobody else refers to, the call is an error that names the type", function()
  local text, how, code = other("alone")
  ok(text:find("'tree_remove' released argument #1, a tree_node, which is not its own", 1, true), text)
  ok(how == "exit" and code == 1, ("%s %d"):format(how, code))
end)

tap.done()
