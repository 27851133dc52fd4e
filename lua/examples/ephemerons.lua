-- Ephemerons: a cache keyed by objects, whose values lead back to their keys.
--
-- The same cache three times: notes about things, each note refers to the thing that it is about. When nobody has the
-- things any more, what goes?
--
-- Prints, for each: how many things and notes there are, how many died by counting when the things were dropped, how
-- many a collect ended, and how many entries the cache has in the end.
--   a plain map       holds its keys and its notes: nothing goes, ever
--   a map that holds  its keys weakly, by their number, and its notes plainly: the cache has the notes, the notes have
--   only its notes    the things; nothing goes either. That is what WeakKeyDictionary of Python does
--   husk.weak.keys    holds a note only while map and thing live: one collect ends all of them
-- The last line is a chain: each note is the next thing. It goes from the front, one after the other, by counting.

local husk = require "husk"

local Thing = husk.type("Thing", {"number"})
local Note = husk.type("Note", {"about"})
local N = 1000

local function alive()
  local census = husk.census()
  return (census.Thing or 0) + (census.Note or 0)
end

-- put(thing, note) enters one, count() is the number of entries, clear() empties the cache.
local function try(title, put, count, clear)
  local things = {}
  for i = 1, N do
    things[i] = Thing{number = i}
    local note <close> = Note{about = things[i]}
    put(things[i], note)
  end
  local before = alive()
  for i = 1, N do things[i]:release() end -- nobody has them any more but the cache
  local left = alive()
  local pass = husk.collect()
  print(("%s: %d objects, %d died by counting, a collect ended %d, %d entries stay"):format(
    title, before, before - left, pass.collected, count()))
  clear()
  husk.collect()
  assert(alive() == 0)
end

husk.disable("ephemerons") -- no pass by itself in between: the figures are to be exact

local plain = husk.map()
try("a plain map", function(thing, note) plain[thing] = note end, function() return #plain end,
  function() husk.clear(plain) end)

local notes, weaks = husk.map(), {}
try("a map that holds only its notes", function(thing, note)
  weaks[thing.number] = husk.weak(thing)
  notes[thing.number] = note
end, function() return #notes end, function() husk.clear(notes) end)

local ephemerons = husk.weak.keys()
try("husk.weak.keys", function(thing, note) ephemerons[thing] = note end, function() return #ephemerons end,
  function() ephemerons:clear() end)

-- A chain of entries: note i, itself a thing, is the key of note i + 1.
local first = Thing{number = 0}
do
  local key = first
  for i = 1, N do
    local note = Thing{number = i}
    ephemerons[key] = note
    if key ~= first then key:release() end
    key = note
  end
  key:release()
end
local before = alive()
first:release()
print(("a chain in husk.weak.keys: %d objects, %d died by counting, %d entries stay"):format(
  before, before - alive(), #ephemerons))
husk.enable()
