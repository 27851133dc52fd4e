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
local heap = require "husk.heap"

local husk = {
  heap = heap.new,
  default = heap.default, -- the heap of all functions that name none
  type = require "husk.type",
  gc = require "husk.gc",
  weak = require "husk.weak",
  trace = require "husk.trace",
  ledger = require "husk.ledger",
  snapshot = require "husk.snapshot",
  memory = require "husk.memory",
}

-- The methods of heaps, for the default heap: husk.collect(), husk.list{...}, husk.figures() and so on. C functions, so that
-- `return husk.list{}` is no tail call by which the place of a birth would be lost.
for name, method in pairs(heap.methods) do
  if name ~= "close" and name ~= "closed" and name ~= "name" and name ~= "new" then
    husk[name] = core.bind(method, heap.default)
  end
end

-- ---- objects ----

-- husk.class(record): the class of a record, or nil.
husk.class = core.class_of

-- husk.update(x, entries): the fields of a record or the entries of a map, from a table, in one call. A value that cannot
-- be stored is found before anything is; a map that runs out of memory keeps what it has taken.
husk.update = core.update

-- husk.release(x): ends the handle, and the object if it was the last reference. A dead handle is fine.
husk.release = core.release

-- husk.clear(x): takes everything out of a container.
husk.clear = core.clear

-- husk.getrefcount(x): references to x, exactly; the handle that asks is one of them.
husk.getrefcount = core.getrefcount

-- husk.refcount(x): the same without that handle.
husk.refcount = core.refcount

-- husk.weakcount(x): weak references to x.
husk.weakcount = core.obj.weak_count

-- husk.size(x): bytes of its block.
husk.size = core.obj.size

-- husk.kind(x): "record", "list", "map", "box", "weak", "weakkeymap", "weakvaluemap", "weakset", "other", "heap", "dead",
-- or nil for what is nothing of Husk's.
husk.kind = core.kind

-- husk.typename(x): the name of its type, also of a dead handle.
husk.typename = core.type_name

-- husk.heap_of(x): its heap.
husk.heap_of = core.heap_of

-- husk.isalive(x): whether x is a handle, and not a dead one.
husk.isalive = core.is_alive

-- husk.is_tracked(x): whether passes look at objects of its type.
husk.is_tracked = core.obj.is_tracked

-- husk.is_finalized(x): whether its finalizer has run.
husk.is_finalized = core.obj.is_finalized

-- husk.is_frozen(x): whether husk.freeze has set it aside.
husk.is_frozen = core.obj.is_frozen

-- husk.is_dying(x): whether it is condemned: seen only in finalizers.
husk.is_dying = core.obj.is_dying

-- husk.referents(x): what x refers to, once for each slot: a table.
husk.referents = core.referents

-- husk.referrers(x): which objects refer to x: a table.
husk.referrers = core.referrers

-- husk.why(x, limit): what keeps x alive: up to limit paths (1 by default, at most 64), the shortest first: a list of tables,
-- text ("root Session (held from outside by 1) .cache -> map [\"k\"] -> Node"), root, the type it begins at, kind ("held",
-- "immortal", "frozen"), held, by how many references from outside, and steps. The second result is what is known if there is
-- no path. x is a handle, whose own reference is no reason (which variables of Lua have it only Lua knows); or a weak or soft
-- reference, a cleanup or a watch, then of its object, handles among the reasons: nil if that is gone.
husk.why = core.why

-- ---- the library ----

-- husk.version(): the version of the library.
husk.version = core.lib.version

-- husk.memory_held(): bytes that all heaps of the process hold.
husk.memory_held = core.lib.memory_held

-- husk.memory_requests(): requests for memory made to the system.
husk.memory_requests = core.lib.memory_requests

-- husk.memory_mode(): how the library gets its memory.
husk.memory_mode = core.lib.memory_mode

return husk
