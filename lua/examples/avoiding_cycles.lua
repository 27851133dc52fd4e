-- Avoiding cycles: the same tree twice, with strong and with weak links from children to parents.
--
-- Prints, for each, how many of its nodes died at once when the root was dropped, and how many the collector
-- had to find. With strong links every node is part of a cycle; with weak ones counting alone ends them all.

local husk = require "husk"

local Node = husk.type("TreeNode", {"parent", "left", "right"})

-- A tree of that depth; link makes of a node what its children keep of it.
local function grow(depth, link, parent)
  local node = Node{parent = parent and link(parent)}
  if depth > 1 then
    node.left = grow(depth - 1, link, node)
    node.right = grow(depth - 1, link, node)
  end
  return node
end

local function nodes() return husk.census().TreeNode or 0 end

local function try(title, link)
  local root <close> = grow(10, link)
  collectgarbage() -- the other handles go
  local planted = nodes()
  root:release()
  local left = nodes()
  local pass = husk.collect()
  assert(nodes() == 0)
  print(("%s parent links: %d nodes, %d died at once, %d left for the collector, which collected %d"):format(
    title, planted, planted - left, left, pass.collected))
end

husk.disable("avoiding_cycles") -- no pass by itself in between: the figures are to be exact
try("strong", function(node) return node end)
try("weak", function(node) return husk.weak(node) end)
husk.enable()
