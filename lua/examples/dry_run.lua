-- Dry run: what a pass would end, said before it ends anything, and then by the pass itself.
--
-- A small graph of sessions that watch each other is left behind. Prints what the dry run foresees: objects and bytes by
-- type, and the code that would run, in its order; that nothing has changed by asking; then what the pass did, and that
-- both agree. At the end who is held from outside, and a session that was forgotten, told instead of freed.

local husk = require "husk"

local log = {}
local Session = husk.type("Session", {"user", "watching", "notes"}, {
  finalize = function(self) log[#log + 1] = "finalizer of " .. self.user end,
})

local function watch_each_other(a, b)
  a.watching, b.watching = b, a
end

local ann, bob = Session{user = "ann", notes = husk.list{"likes tea"}}, Session{user = "bob"}
watch_each_other(ann, bob)
local weak = husk.weak(bob, function() log[#log + 1] = "callback of bob" end)
husk.weak.finalize(ann, function() log[#log + 1] = "cleanup of ann" end)
ann:release() -- the handles go; the two hold each other
bob:release()

local before = husk.figures()
local dry = husk.dry_run{objects = 1}
print("Would end:")
for _, row in ipairs(dry.types) do print(("  %d %s, %d bytes"):format(row.objects, row.type, row.bytes)) end
print("Would run:")
for _, step in ipairs(dry.steps) do print("  " .. step.kind .. " of a " .. step.type) end
print("Changed by asking: " .. (husk.figures().objects - before.objects) .. " objects")

local pass = husk.collect()
print("Did run:")
for _, line in ipairs(log) do print("  " .. line) end
print("Ended: " .. before.objects - husk.figures().objects .. " objects, foreseen " .. dry.objects)
assert(#log == #dry.steps and pass.collected == dry.garbage and not weak.alive)

local kept = Session{user = "cem"}
local hidden = husk.hidden()
print("Held from outside: " .. hidden.types[1].objects .. " " .. hidden.types[1].type)

husk.find_leaks(function(leaks)
  print((leaks.summary and "Leaks in all: " or "Leaked: ") .. leaks.types[1].objects .. " " .. leaks.types[1].type)
end)
kept.watching = kept
kept:release() -- forgotten
husk.collect()
husk.find_leaks(false)
print("Freed afterwards: " .. husk.collect().collected)
