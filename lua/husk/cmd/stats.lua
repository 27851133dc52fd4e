-- husk stats: who has how much in a snapshot.

local options = require "husk.options"
local snapfile = require "husk.snapfile"

local function run(args)
  local got, files = options.parse("stats", args, snapfile.known)
  if #files ~= 1 then options.fail("stats: one snapshot is wanted, not %d", #files) end
  local choice = snapfile.choice("stats", got)
  local progress <const> = snapfile.progress(3)
  progress:step("checking " .. files[1])
  local snap <close> = snapfile.load(files[1])
  local group = got.by or snapfile.default_group(snap)
  progress:step("grouping by " .. group)
  local stats = snapfile.try(snap.statistics, snap, group, choice)
  progress:finish()
  if got.json then snapfile.json(stats, got, group) else snapfile.print(stats, got) end
end

return {
  usage = "husk stats SNAPSHOT [OPTIONS]",
  summary = "who has how much in a snapshot",
  help = [[
Groups the things of a snapshot and prints the largest groups, the rest and the total.

    --by WHAT         line, file, function, traceback, type, tag, domain, thread, class, age, mark, kind;
                      by line if something was traced, else by type
    -f, --filter F    only what F says, e.g. 'file=*.lua', '!type=text', 'line=3,all', 'since=start'; again:
                      inclusive ones add up, exclusive ones (!) take away
    --sort WHAT       size, count, born, temporary, peak
    -n, --top N       so many rows; 10
    --cumulative      by line, file or function: every frame gets what was made below it
    --untraced        what was not traced too, as <unknown>:0
    --traceback N     with the N newest frames of each row (with --by traceback)
    --json            one JSON document, all rows if --top is not given

The exit code is 2 for a wrong option or filter, 3 if the file cannot be read or is no sound snapshot.]],
  run = run,
}
