-- A C library that keeps its objects in a heap of Husk, with three bugs to plant: a reference that nobody releases, one that
-- is released twice, and one that is held where no type tells of it. Each is found and named.
--
--   treelib.lua [LIBRARY]     LIBRARY is what tests/fixtures/treelib was built to, by default
--
-- For each bug it prints what the script sees, and for the library without it that there is nothing to see.

local there, ffi, tree = pcall(function()
  local ffi = require "husk.ffi"
  return ffi, ffi.load(arg[1] or (arg[0]:match "^(.*)/" or ".") .. "/../../build/lib/libtreelib.so")
end)
if not there then
  print("skipped: " .. tostring(ffi))
  os.exit(77, true)
end
local husk = require "husk"
local expect = require "husk.expect"

ffi.cdef [[
  typedef struct husk_heap husk_heap; typedef struct husk_obj husk_obj;
  int tree_plant(const char *bug);
  husk_obj *tree_registry_new(husk_heap *heap);
  husk_obj *tree_node_new(husk_obj *parent, int number);
  int tree_node_number(husk_obj *node);
  husk_obj *tree_find(husk_obj *from, const int *path, size_t count);
  int tree_remove(husk_obj *node);
  void tree_let_go(husk_obj *node);
]]
ffi.annotate(tree, { -- what is new, or found, is the caller's
  tree_registry_new = {result = "full"}, tree_node_new = {result = "full"}, tree_find = {result = "full nullable"},
})

-- A registry of the tree 1, with the nodes 10 and 20 in it.
local function planted(bug)
  assert(tree.tree_plant(bug) == 0)
  local registry = tree.tree_registry_new(husk.default)
  local root = tree.tree_node_new(registry, 1)
  for number = 10, 20, 10 do tree.tree_node_new(root, number) end
  return registry
end

local function find(from, ...)
  local count = select("#", ...)
  return tree.tree_find(from, ffi.new("int[?]", count, {...}), count)
end

-- How often a node is held by what is neither a slot nor this script.
local function hidden(node)
  for _, path in ipairs(husk.why(node, 5)) do
    if path.steps == 0 then return path.held end
  end
  return 0
end

print "No bug"
local registry = planted "none"
expect.no_growth(function() find(registry, 1, 30) end, {args = {find(registry, 1)}})
local held = hidden(find(registry, 1, 20))
print("  searches that fail leave nothing; references in no slot and no handle to node 20: " .. held)

print "A search that fails does not release the node where it stopped"
registry = planted "lost release"
local node = find(registry, 1)
local _, failure = pcall(expect.no_growth, function() find(registry, 1, 30) end, {args = {node}, rounds = 10})
print("  " .. failure.message)
for _ = 1, hidden(node) do tree.tree_let_go(node) end

print "A node that is taken out of its tree is released twice"
registry = planted "double release"
node = find(registry, 1)
tree.tree_remove(node)
local watch = husk.weak(node)
node = nil -- a handle counts too, and would hide that a reference is missing
collectgarbage()
print("  " .. select(2, pcall(husk.verify)).message)
tree.tree_plant "lost release"
find(watch(), 99) -- the first bug mends the second
assert(husk.verify())

print "The registry holds what was found last, and its type does not say so"
registry = planted "hidden reference"
find(registry, 1, 20)
node = find(registry, 1, 20)
print(("  node %d: references in no slot and no handle: %d"):format(tree.tree_node_number(node), hidden(node)))
node = nil
local gone = husk.weak(registry)
registry = nil
_, failure = pcall(expect.dead, gone)
print("  " .. failure.message)
tree.tree_let_go(find(gone(), 1)) -- what it holds now
