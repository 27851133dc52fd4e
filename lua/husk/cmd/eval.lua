-- husk -e CODE: a piece of code from the command line.

local function run(args, cli)
  local code = table.remove(args, 1)
  if not code then return cli.usage_error("-e: which code?") end
  _G.husk = require "husk"
  return cli.execute(code, "=(command line)", "-e", args)
end

return {
  usage = "husk -e CODE [ARGS...]",
  summary = "runs Lua code from the command line",
  help = [[
Runs CODE. The module is there as the global husk; the ARGS are in the table arg.

    husk -e 'local l = husk.list{1, 2, 3} print(#l, husk.getrefcount(l))']],
  run = run,
}
