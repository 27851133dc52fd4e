-- Cycles through Lua values: an object keeps a Lua table in a box, and the table holds the object's handle. Lua's
-- collector sees a reference from outside, and so does the heap's. husk.collect shows each what the other knows.
--
-- Prints how many objects of such cycles are left after Lua's collector alone, after a pass of the heap alone, and
-- after both together; and that what is still in use stays whole.

local husk = require "husk"

local Widget = husk.type("Widget", {"name", "on_click", "parent"})

-- A widget whose handler is a closure that uses the widget.
local function button(name)
  local widget = Widget{name = name}
  widget.on_click = husk.box(function() return widget.name .. " was clicked" end)
  return widget
end

local function left() return husk.census().Widget or 0 end

for i = 1, 10 do button("button " .. i) end
local kept = button("kept")

collectgarbage()
print("After Lua's collector: " .. left())
husk.collect{handles = false}
print("After a pass of the heap: " .. left())
husk.collect()
print("After both together: " .. left())
print(kept.on_click.value())

-- The same with a weak callback: its function holds the object that it watches.
local watched = Widget{name = "watched"}
watched.parent = husk.weak(watched, function() print(watched.name) end)
watched = nil
husk.collect()
print("Watching itself: " .. left() - 1)
