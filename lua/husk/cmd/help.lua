-- husk help: the commands, or one of them.

local manifest = require "husk.manifest"

local function overview()
  local lines = {"usage: husk [--color=WHEN] COMMAND [ARGS...]", ""}
  for _, name in ipairs(manifest) do
    local command = require("husk.cmd." .. name)
    lines[#lines + 1] = ("  %-32s %s"):format(command.usage, command.summary)
  end
  lines[#lines + 1] = ""
  lines[#lines + 1] = "Counted objects, weak references and a cycle collector, driven from Lua."
  lines[#lines + 1] = "'husk help COMMAND' says more about one. WHEN is auto, always or never."
  return table.concat(lines, "\n") .. "\n"
end

local function run(args, cli)
  if args[2] then return cli.usage_error("help: one command at a time") end
  if not args[1] then
    io.write(overview())
    return
  end
  local name = args[1] == "-e" and "eval" or args[1]
  local command = cli.command(name)
  if not command then return cli.usage_error("help: unknown command '" .. args[1] .. "'") end
  io.write("usage: ", command.usage, "\n\n", command.help, "\n")
end

return {
  usage = "husk help [COMMAND]",
  summary = "lists the commands, or explains one",
  help = "Without COMMAND the list of commands.",
  overview = overview,
  run = run,
}
