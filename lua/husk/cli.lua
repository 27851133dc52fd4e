-- husk.cli: the command line. It finds the command, runs scripts, and turns what happened into an exit code.
-- Exit codes: 0 ok, 1 a script failed, 2 usage, 3 an input cannot be read, 70 a fault of ours, 130 SIGINT; of trace the
-- command's own.

local host = require "husk.host"
local manifest = require "husk.manifest"

local cli = {OK = 0, SCRIPT = 1, USAGE = 2, INPUT = 3, INTERNAL = 70, INTERRUPTED = 130}

-- A script may change the globals; what comes after it does not depend on them.
local stderr, stdout, open, getenv = io.stderr, io.stdout, io.open, os.getenv
local load, tostring, type, pairs, ipairs, setmetatable = load, tostring, type, pairs, ipairs, setmetatable

-- ---- output ----

cli.color = "auto" -- --color=auto|always|never

-- Whether to use colours on stderr: the option decides, then NO_COLOR, then whether it is a terminal.
function cli.colored()
  if cli.color ~= "auto" then return cli.color == "always" end
  return (getenv("NO_COLOR") or "") == "" and getenv("TERM") ~= "dumb" and host.isatty(2)
end

-- "husk: text" on stderr.
function cli.complain(text)
  if cli.colored() then
    stderr:write("\27[31mhusk:\27[0m ", text, "\n")
  else
    stderr:write("husk: ", text, "\n")
  end
end

-- The same about what is no error.
function cli.tell(text)
  stderr:write("husk: ", text, "\n")
end

function cli.usage_error(text)
  local first, rest = text:match("^([^\n]*)(.*)$")
  cli.complain(first .. "; see 'husk help'" .. rest)
  return cli.USAGE
end

-- ---- scripts ----

-- The text of a script file ("-": standard input), or nil and why not.
function cli.read(path)
  local file, why
  if path == "-" then file = io.stdin else file, why = open(path, "rb") end
  if not file then return nil, why end
  local text
  text, why = file:read("a") -- a directory opens and fails here
  if path ~= "-" then file:close() end
  if not text then return nil, path .. ": " .. tostring(why) end
  return text
end

-- Calls what belongs to a script; SIGINT stops it. The exit code.
function cli.call(fn, ...)
  local ok, message, interrupted = host.call(fn, ...)
  if ok then return cli.OK end
  if interrupted then
    stderr:write("\n")
    cli.complain("interrupted")
    return cli.INTERRUPTED
  end
  cli.complain(message)
  return cli.SCRIPT
end

-- Runs Lua source with `arg` set as in lua(1): arg[0] is the script, arg[1] and on its arguments.
function cli.execute(text, chunk, script, args)
  local words = {[0] = script}
  for i, word in ipairs(args) do words[i] = word end
  for i, word in ipairs(cli.before or {}) do words[i - #cli.before - 1] = word end
  _G.arg = words
  text = text:gsub("^\239\187\191", ""):gsub("^#[^\n]*", "") -- a byte order mark; a #! line, whose number stays
  local code, why = load(text, chunk, "t")
  if not code then
    cli.complain(why)
    return cli.SCRIPT
  end
  require("husk.core").trace_base() -- what is below here is no frame of the script
  return cli.call(code, table.unpack(args))
end

-- ---- commands ----

-- The command of that name, or nil.
function cli.command(name)
  for _, known in ipairs(manifest) do
    if known == name then return require("husk.cmd." .. name) end
  end
end

local function run(name, args)
  local command = cli.command(name)
  if args[1] == "--help" or args[1] == "-h" then
    return cli.command("help").run({name}, cli) or cli.OK
  end
  local ok, code = pcall(command.run, args, cli)
  if ok then return code or cli.OK end
  if require("husk.options").is_usage(code) then return cli.usage_error(tostring(code)) end
  cli.complain(tostring(code))
  return require("husk.snapfile").is_unreadable(code) and cli.INPUT or cli.INTERNAL
end

-- Takes the options before the command out of the words: the rest, or nil and an exit code.
local function options(words)
  while words[1] and words[1]:sub(1, 1) == "-" and words[1] ~= "-" do
    local word = words[1]
    local when = word:match("^%-%-color=(.*)$")
    if when then
      if when ~= "auto" and when ~= "always" and when ~= "never" then
        return nil, cli.usage_error("--color=" .. when .. ": it is auto, always or never")
      end
      cli.color = when
      table.remove(words, 1)
    elseif word == "-h" or word == "--help" then
      words[1] = "help"
    elseif word == "--version" or word == "-v" then
      words[1] = "version"
    elseif word == "-e" then
      words[1] = "eval"
    else
      return nil, cli.usage_error("unknown option '" .. word .. "'")
    end
  end
  return words
end

-- argv[0] is the program. Returns the exit code.
function cli.main(argv)
  local words, code = options({table.unpack(argv)})
  if not words then return code end
  local name = table.remove(words, 1)
  if not name then
    stderr:write(require("husk.cmd.help").overview())
    return cli.USAGE
  end
  cli.before = {argv[0], name}
  if not cli.command(name) then
    -- `husk ./script.lua`, which is what a #! line with husk gives.
    if not (name:find("/", 1, true) or name:find("%.lua$")) then
      return cli.usage_error("unknown command '" .. name .. "'")
    end
    table.insert(words, 1, name)
    name = "run"
    cli.before = {argv[0]}
  end
  return run(name, words)
end

return cli
