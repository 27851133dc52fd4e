-- husk version: what is running.

local function run(args, cli)
  if args[1] then return cli.usage_error("version: too many arguments") end
  local husk = require "husk"
  print(("husk %s, %s"):format(husk.version(), _VERSION))
end

return {
  usage = "husk version",
  summary = "says which version this is",
  help = "Prints the version of the library and of Lua.",
  run = run,
}
