-- husk export: a snapshot in the forms that other programs read.

local options = require "husk.options"
local snapfile = require "husk.snapfile"

local function names()
  local list = {}
  for i, format in ipairs(require("husk").snapshot.formats()) do list[i] = format.name end
  return list
end

-- The table of formats, as lines.
local function list()
  for _, format in ipairs(require("husk").snapshot.formats()) do
    io.write(("%-14s .%-16s %s\n"):format(format.name, format.suffix, format.about))
  end
end

local function run(args)
  local got, files = options.parse("export", args, {
    format = "text", F = "format", output = "text", o = "output", by = "text", top = "number", n = "top",
    types = "flag", count = "flag", made = "flag", title = "text", max_bytes = "number", list = "flag",
    filter = "list", f = "filter",
  })
  if got.list then
    list()
    return
  end
  if #files ~= 1 then options.fail("export: one snapshot is wanted, not %d; --list names the formats", #files) end
  local snapshot = require("husk").snapshot
  local output = got.output or "-"
  local format = got.format or (output ~= "-" and snapshot.guess(output))
  if not format then options.fail("export: which --format? There are %s", table.concat(names(), ", ")) end
  options.one_of("export", "format", format, names())
  local progress <const> = snapfile.progress(2)
  progress:step("checking " .. files[1])
  local snap <close> = snapfile.load(files[1])
  progress:step("writing " .. format)
  local target = output
  if output == "-" then
    target = function(bytes) return io.stdout:write(bytes) ~= nil end
  end
  snapfile.try(snap.export, snap, format, target, {
    by = got.by, top = got.top, types = got.types, count = got.count, made = got.made, title = got.title,
    max_bytes = got.max_bytes, filter = got.filter, progress = function(bytes) progress:wrote(bytes) end,
  })
  progress:finish()
end

return {
  usage = "husk export SNAPSHOT [OPTIONS]",
  summary = "a snapshot for another program",
  help = [[
Writes a snapshot in a form that other programs read. A file appears whole or not at all.

    -F, --format NAME  pprof, heapsnapshot, speedscope, ...; --list names all; without it the end of FILE decides
    -o, --output FILE  where to; '-', the default, is standard output
    --list             the formats, what their files end in, and what they are
    --by WHAT          text, csv: a grouping of 'husk stats'
    -n, --top N        most rows or nodes
    -f, --filter F     csv, collapsed, pprof, speedscope: only what F says, as of 'husk stats'; again: inclusive ones add
                       up, exclusive ones (!) take away
    --types            collapsed, speedscope: the type as the innermost frame
    --count            collapsed: things and not bytes
    --made             collapsed: all that was made while tracing, dead or alive
    --title TEXT       html, dot
    --max-bytes N      html: most bytes of the page]],
  run = run,
}
