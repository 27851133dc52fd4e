-- husk diff: what changed between two snapshots.

local options = require "husk.options"
local snapfile = require "husk.snapfile"

local function run(args)
  local got, files = options.parse("diff", args, snapfile.known)
  if #files ~= 2 then options.fail("diff: two snapshots are wanted, the old and the new one, not %d", #files) end
  local choice = snapfile.choice("diff", got)
  local progress <const> = snapfile.progress(4)
  progress:step("checking " .. files[1])
  local old <close> = snapfile.load(files[1])
  progress:step("checking " .. files[2])
  local snap <close> = snapfile.load(files[2])
  local traced = snapfile.default_group(old) == "line" and snapfile.default_group(snap) == "line"
  local group = got.by or (traced and "line" or "type")
  progress:step("comparing by " .. group)
  local stats = snapfile.try(snap.compare, snap, old, group, choice)
  progress:finish()
  if got.json then snapfile.json(stats, got, group, true) else snapfile.print(stats, got) end
end

return {
  usage = "husk diff OLD NEW [OPTIONS]",
  summary = "what changed between two snapshots",
  help = [[
Groups the things of both snapshots and prints the groups whose size changed most, the rest and the total. Groups
are told by their names, so the snapshots may be of different runs. What is gone is there with size 0.

The options are those of 'husk stats'; --sort knows size and count.]],
  run = run,
}
