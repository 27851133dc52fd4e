-- husk run: a script from a file.

local function run(args, cli)
  local path = table.remove(args, 1)
  if not path then return cli.usage_error("run: which script?") end
  if path:sub(1, 1) == "-" and path ~= "-" then
    return cli.usage_error("run: unknown option '" .. path .. "'")
  end
  local text, why = cli.read(path)
  if not text then
    cli.complain("cannot read the script: " .. why)
    return cli.INPUT
  end
  return cli.execute(text, path == "-" and "=stdin" or "@" .. path, path, args)
end

return {
  usage = "husk run SCRIPT [ARGS...]",
  summary = "runs a Lua script",
  help = [[
Runs the Lua file SCRIPT, or standard input if it is '-'. The module is there for require "husk", and the ARGS
are in the table arg, as in lua(1). A first line that begins with # is skipped, so scripts may start with

    #!/usr/bin/env husk

The exit code is 0, 1 if the script fails (the message and a traceback go to standard error), 3 if it cannot
be read, 130 after SIGINT.]],
  run = run,
}
