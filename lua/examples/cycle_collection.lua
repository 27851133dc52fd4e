-- Cycle collection: two nodes that hold each other outlive their last name, until a pass finds them.
--
-- Prints that the list of garbage is empty before and after, as it should be: it holds only what was kept on
-- purpose (husk.save_all). And then what happened meanwhile: objects before and after, how many the pass
-- collected, and that their finalizers ran and the weak reference ended.

local husk = require "husk"

local finalized = 0
local Node = husk.type("Node", {"value", "next"}, {finalize = function() finalized = finalized + 1 end})

local one, two = Node{value = 1}, Node{value = 2}
one.next, two.next = two, one
local weak = husk.weak(one)

one:release() -- the handles go; now each node is held by the other alone
two:release()

local before = husk.census().Node
print("Unreachable objects before garbage collection: " .. #husk.garbage())
local pass = husk.collect()
print("Unreachable objects after garbage collection: " .. #husk.garbage())

print("Nodes alive before: " .. before)
print("Nodes alive after: " .. (husk.census().Node or 0))
print("Objects collected: " .. pass.collected)
print("Finalizers run: " .. finalized)
print("Weak references cleared: " .. pass.weak_cleared)
assert(pass.finalized == finalized and not weak.alive)
