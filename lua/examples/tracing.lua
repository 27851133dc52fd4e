-- Tracing: who asked for the bytes.
--
-- While tracing is on, each object and buffer notes the line that made it. Here a list of a million integers is made, a
-- snapshot is taken, and the five lines with the most bytes are printed as
--   file:line: size=..., count=..., average=...
-- The integers stand in the list's one buffer, 16 bytes each; the other lines are there to be compared with.

local husk = require "husk"

local Point = husk.type("Point", {"x", "y"})

husk.trace.start()

local numbers = husk.list{}
for i = 1, 1000000 do numbers:append(i) end

local points = husk.list{}
for i = 1, 1000 do
  points:append(Point{x = i, y = -i})
end

local names = husk.map{}
for i = 1, 100 do names["name " .. i] = i end

local snapshot <close> = husk.snapshot.take()
local top = snapshot:statistics("line")
print("Top 5 lines")
for i = 1, math.min(5, #top) do print(top[i]) end

-- The same by type; and what tracing itself has taken.
print("By type")
local types = snapshot:statistics("type", {filter = {"kind=object"}})
for i = 1, math.min(3, #types) do print(types[i]) end
local figures = husk.trace.figures()
assert(figures.bytes == top:total().size)
print(("%d places, %d bytes traced"):format(figures.places, figures.bytes))
