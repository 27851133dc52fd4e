-- husk: counted objects, weak references and a cycle collector, from Lua.
--
--   local husk = require "husk"
--   local Node = husk.type("Node", {"value", "next"})
--   local n = Node{value = 1}
--   n.next = Node{value = 2}
--   print(n.next.value, husk.getrefcount(n))
--
-- An object lives in a heap; what Lua has is a handle, one for each object, and a handle is a counted
-- reference. It ends when Lua collects it, or at once with husk.release(x), x:close() or
-- `local x <close> = ...`. Fields, items and entries hold nil, booleans, integers, floats, strings (kept as texts
-- of the heap), other objects of the same heap, and through husk.box any Lua value. husk.collect() also ends
-- cycles that run through boxed Lua values (box -> table -> handle -> object -> box). Functions without a heap
-- argument work on the default heap. Errors are tables: code, message, where.

local core = require "husk.core"

local husk = {}
local heap = core.heap -- the methods of heaps
local kinds = setmetatable({}, {__mode = "k"}) -- class -> its record type

-- ---- heaps ----

local default = core.new_heap("default", nil, false, true)
husk.default = default

-- A heap of its own: name, for messages; max_bytes, the limit of what it takes from the system; stress, a
-- pass at every allocation.
function husk.heap(options)
  options = options or {}
  if type(options) ~= "table" then
    error("husk.heap: a table of options expected, got " .. type(options), 2)
  end
  for key in pairs(options) do
    if key ~= "name" and key ~= "max_bytes" and key ~= "stress" then
      error("husk.heap: unknown option '" .. tostring(key) .. "'; there are name, max_bytes, stress", 2)
    end
  end
  return core.new_heap(options.name, options.max_bytes, options.stress)
end

function heap:list(items) return core.new_list(self, items) end
function heap:map(entries) return core.new_map(self, entries) end
function heap:box(value) return core.new_box(self, value) end

-- A record of a class (a value of husk.type) in this heap. Class{...} makes one in the default heap.
function heap:new(class, fields) return core.new_record(self, kinds[class], fields) end

local pass, rounds, handles, dry = heap.collect, heap.collect_all, heap.collect_handles, heap.collect_dry
heap.collect_all, heap.collect_handles = nil, nil

local function with_handles(options)
  if options ~= nil and type(options) ~= "table" then
    error("collect: a table of options expected, got " .. type(options), 3)
  end
  return not (options and options.handles == false)
end

-- Ends all garbage and says what was done. Handles that Lua has not collected yet are references, so Lua's own
-- collector runs with it and is shown the paths from handles to boxed values: cycles through Lua values end too,
-- in rounds, until one frees none. collect{handles = false} is one pass over the heap alone.
function heap:collect(options) return (with_handles(options) and rounds or pass)(self) end

-- What collect{handles = false} would end, without ending it; Lua's collector runs before, unless
-- handles = false.
function heap:collect_dry(options)
  if with_handles(options) then handles(self) end
  return dry(self)
end

-- Without an argument the pacing of automatic passes; with a table it changes what the table names.
function heap:pacing(changes)
  if changes ~= nil then self:set_pacing(changes) end
  return self:get_pacing()
end

-- Cumulative figures of a generation; there is one, number 0.
function heap:stats(generation) return self:generation(generation or 0) end

local set_save_all, is_save_all = heap.set_save_all, heap.save_all

-- save_all(true): garbage is finalized and then kept, on the list that garbage() shows. save_all() asks.
function heap:save_all(on)
  if on ~= nil then set_save_all(self, on) end
  return is_save_all(self)
end

local verify = heap.verify

-- Checks the whole heap: true, or an error that names the damage.
function heap:verify()
  verify(self)
  return true
end

local objects = heap.objects

-- All live objects, or those of one class, in address order. Each gets a handle, which is a reference.
function heap:objects(class) return objects(self, class and kinds[class] or class) end

-- The same for the default heap: husk.collect(), husk.list{...}, husk.figures() and so on.
for name, method in pairs(heap) do
  if name ~= "close" and name ~= "closed" and name ~= "name" and name ~= "new" then
    husk[name] = function(...) return method(default, ...) end
  end
end
heap.isenabled, husk.isenabled = heap.is_enabled, husk.is_enabled

-- ---- types ----

-- A record type: Class{field = value} makes an object with these fields and no others, in the default heap;
-- Class(fields, heap) in another. Functions put into the
-- class are methods of its objects. options.finalize is a function(self) that runs once, when an object ends,
-- with all fields still there; its handle `self` is valid until it returns. To bring the object back, store
-- it in the heap. Asking again with the same name, fields and function gives the same class.
function husk.type(name, fields, options)
  local finalize
  if options ~= nil then
    if type(options) ~= "table" then
      error("husk.type: a table of options expected, got " .. type(options), 2)
    end
    for key in pairs(options) do
      if key ~= "finalize" then error("husk.type: unknown option '" .. tostring(key) .. "'", 2) end
    end
    finalize = options.finalize
  end
  local kind, class = core.new_type(name, fields, finalize, {}, default)
  kinds[class] = kind
  return class
end

-- The class of a record, or nil.
husk.class = core.class_of

-- ---- objects ----

husk.release = core.release         -- ends the handle, and the object if it was the last reference
husk.clear = core.clear             -- takes all entries out of a list or a map
husk.getrefcount = core.getrefcount -- references to x, exactly; the handle that asks is one of them
husk.refcount = core.refcount       -- the same without that handle
husk.weakcount = core.obj.weak_count
husk.size = core.obj.size
husk.kind = core.kind               -- "record", "list", "map", "box", "weak", "heap", "dead" or nil
husk.typename = core.type_name
husk.heap_of = core.heap_of
husk.isalive = core.is_alive        -- x is a handle, and not a dead one
husk.is_tracked = core.obj.is_tracked
husk.is_finalized = core.obj.is_finalized
husk.is_frozen = core.obj.is_frozen
husk.is_dying = core.obj.is_dying
husk.referents = core.referents     -- what x refers to
husk.referrers = core.referrers     -- which objects refer to x

-- A weak reference: w:get() or w() is the object or nil; w.alive and w.state ask. on_gone(w) runs once, when
-- the object's memory is back, if w is still held by somebody then: keep it.
husk.weak = core.new_weak

-- ---- the library ----

husk.version = core.lib.version
husk.memory_held = core.lib.memory_held         -- bytes that all heaps of the process hold
husk.memory_requests = core.lib.memory_requests -- requests for memory made to the system
husk.memory_mode = core.lib.memory_mode

return husk
