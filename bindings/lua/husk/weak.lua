-- husk.weak: references and containers that do not keep their objects alive, and what is to be done when an object is
-- gone. The module is a function too: husk.weak(x) is husk.weak.ref(x).

local core = require "husk.core"
local default = require "husk.heap".default

local weak = {}

-- husk.weak.ref(x, on_gone): a weak reference: w() or w:get() is the object or nil; w.alive is whether it lives, w.state is
-- "alive", "dying" or "dead". on_gone(w) runs once, when the object's memory is back, if w is still held by somebody then:
-- keep it. Without on_gone all ask for the same one.
weak.ref = core.new_weak

-- weak:get(): the object, or nil; the same as weak().
-- weak:release(): ends the handle, as husk.release(weak).
-- weak:close(): the same, for <close>.

-- husk.weak.keys(entries): a weak-key map: m[object] = any Lua value, m[object] = nil removes, #m, pairs. An entry goes
-- with its key, even if the value refers to the key.
function weak.keys(entries) return default:weak_keys(entries) end

-- keys:clear(): takes all entries out.
-- keys:release(): ends the handle, as husk.release(keys).
-- keys:close(): the same, for <close>.

-- husk.weak.values(entries): a weak-value map: m[key] = object, with keys as in maps; #m, pairs. An entry goes with its
-- object. It has no methods, every name is a key: husk.clear(m), husk.release(m).
function weak.values(entries) return default:weak_values(entries) end

-- husk.weak.set(members): a weak set of the objects 1 to #members of a table: set[x], #set, `for x in pairs(set)`.
function weak.set(members) return default:weak_set(members) end

-- set:add(x): puts it in; the same as set[x] = true.
-- set:remove(x): takes it out; whether it was in.
-- set:has(x): whether it is in; the same as set[x].
-- set:clear(): takes all out.
-- set:release(): ends the handle, as husk.release(set).
-- set:close(): the same, for <close>.

-- husk.weak.finalize(x, fn, ...): fn(...) runs once: when x is gone, when the result is called, or when the heap closes.
-- The newest of one object runs first. Nobody has to keep the result. Arguments that lead to x keep it alive.
weak.finalize = core.new_cleanup

-- finalizer(): does the work now and returns its results; nothing if it has run or was detached.
-- finalizer.alive: whether it is still to run.
-- finalizer.atexit: whether it runs when the heap closes; may be set.
-- finalizer:peek(): the object, fn and its arguments; nothing if it is no longer to run.
-- finalizer:detach(): the same, and it will not run.
-- finalizer:release(): ends the handle; fn stays registered.
-- finalizer:close(): the same, for <close>.

-- husk.weak.soft(x, on_gone): a soft reference: it keeps x until memory is short; then the soft references that were used
-- longest ago let go first, and are weak from there on. s() or s:get() is the object or nil, and a use: s holds it again.
-- s.holding is whether it holds now, s.alive and s.state are those of weak references. on_gone(s) runs once, when the
-- object has died, if s is still held by somebody then.
weak.soft = core.new_soft

-- soft:get(): the object, or nil; the same as soft().
-- soft:let_go(): lets go now; whether it was holding.
-- soft:release(): ends the handle, as husk.release(soft).
-- soft:close(): the same, for <close>.

-- husk.weak.queue(): a queue of the dead: q:watch(x, tag), and when x has died q:poll() gives the tag. #q is how many
-- wait. Nothing is called when something dies, and nothing is missed.
function weak.queue() return default:queue() end

-- queue:watch(x, tag): watches x. tag is any Lua value but nil; one that leads to x keeps it alive. Returns the watch, which
-- nobody has to keep: watch.alive is whether it still waits for the death, watch.tag the tag.
-- queue:poll(): the tag of the one that died first of those that wait, or nil. Never blocks.
-- queue:each(): an iterator: `for tag in q:each() do` polls until none waits.
-- queue:watching(): how many watches there are whose objects live.
-- queue:fd(): a descriptor that is readable while tags wait, for event loops; closed with the queue.
-- queue:release(): ends the handle, as husk.release(queue). The queue ends with its last reference, its watches with it.
-- queue:close(): the same, for <close>.
-- watch:get(): the object, or nil.
-- watch:detach(): takes it out of its queue; whether it was in one.
-- watch:release(): ends the handle; the queue keeps the watch.
-- watch:close(): the same, for <close>.

-- husk.weak.count(x): how many weak references to x there are.
weak.count = core.obj.weak_count

-- husk.weak.list(x): these, a table: the shared one first, then the newest first.
weak.list = core.weaks

return setmetatable(weak, {__call = function(_, x, on_gone) return core.new_weak(x, on_gone) end})
