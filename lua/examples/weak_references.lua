-- Weak references: they lead to an object without keeping it.
--
-- Prints
--   Does the object exist: true
--   The object is gone
--   Does the object exist: false
-- The line between comes from the callback: it runs when the object's memory is back, so it is given the weak
-- reference and not the object.

local husk = require "husk"

local Thing = husk.type("Thing", {"name"})
local thing = Thing{name = "lamp"}

local weak = husk.weak(thing, function(gone)
  assert(gone() == nil)
  print("The object is gone")
end)

print("Does the object exist: " .. tostring(weak() ~= nil))
thing:release() -- the last reference
print("Does the object exist: " .. tostring(weak() ~= nil))
