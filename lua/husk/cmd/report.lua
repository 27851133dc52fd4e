-- husk report: one HTML page about one or more snapshots.

local options = require "husk.options"
local snapfile = require "husk.snapfile"

local function run(args)
  local got, files = options.parse("report", args, {output = "text", o = "output", title = "text", max_bytes = "number"})
  if #files == 0 then options.fail("report: which snapshots?") end
  if not got.output then options.fail("report: where to? -o FILE") end
  local progress <const> = snapfile.progress(#files + 2)
  local snaps, names = {}, {}
  for i, path in ipairs(files) do
    progress:step("checking " .. path)
    snaps[i] = snapfile.load(path)
    names[i] = path:match("[^/]+$") or path
  end
  progress:step("writing " .. got.output)
  snapfile.try(require("husk").snapshot.report, snaps, got.output, {
    title = got.title, names = names, max_bytes = got.max_bytes,
  })
  progress:finish()
  for _, snap in ipairs(snaps) do snap:close() end
end

return {
  usage = "husk report SNAPSHOT... -o FILE",
  summary = "an HTML page about snapshots",
  help = [[
Writes one self-contained page about one or more snapshots, the oldest first: flame graph with zoom and search, tables
by line, file, type and so on, the difference of any two, memory over time. It needs no network.

    -o, --output FILE  the page; it appears whole or not at all
    --title TEXT       its heading
    --max-bytes N      most bytes of the page, 2,000,000; what is cut is shown as a sum]],
  run = run,
}
