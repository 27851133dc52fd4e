-- husk repl: Lua, a line at a time. An expression prints its values; what is not finished goes on in the next
-- line; Tab completes names and fields; SIGINT stops what runs, or drops the line.

local host = require "husk.host"

-- ---- completion ----

-- What can follow in a name: the keys of tables, of classes, and of records in a heap.
local function keys_of(value)
  local names = {}
  local function add(key)
    if type(key) == "string" and key:find("^[%a_][%w_]*$") then names[key] = true end
  end
  for _ = 1, 8 do -- a chain of __index tables, if it is one
    if type(value) == "userdata" or type(value) == "table" then
      pcall(function() for key in pairs(value) do add(key) end end)
    end
    local meta = debug.getmetatable(value)
    for key in pairs(type(meta) == "table" and rawget(meta, "methods") or {}) do add(key) end
    local index = type(meta) == "table" and rawget(meta, "__index")
    if type(index) ~= "table" then break end
    value = index
  end
  return names
end

-- The value of a chain of names, "husk" or "a.b.c", without calling anything but __index.
local function value_of(chain)
  local value = _G
  for name in chain:gmatch("[^.]+") do
    local ok, inner = pcall(function() return value[name] end)
    if not ok then return nil end
    value = inner
  end
  return value
end

local words = "and break do else elseif end false for function goto if in local nil not or repeat return " ..
  "then true until while"

-- For the text before the cursor: what to insert, and what to show if there is more than one choice.
local function complete(text)
  if text:find("^%s*$") then return "  " end
  local chain, mark, start = text:match("([%a_][%w_.]*)([.:])([%w_]*)$")
  local names
  if chain then
    local value = value_of(chain)
    if value == nil then return end
    names = keys_of(value)
  else
    start = text:match("([%a_][%w_]*)$")
    if not start then return end
    names = keys_of(_G)
    for word in words:gmatch("%a+") do names[word] = true end
  end
  local found = {}
  for name in pairs(names) do
    if name:sub(1, #start) == start then found[#found + 1] = name end
  end
  table.sort(found)
  if #found == 0 then return end
  local common = found[1]
  for _, name in ipairs(found) do
    while name:sub(1, #common) ~= common do common = common:sub(1, -2) end
  end
  local insert = common:sub(#start + 1)
  if #found == 1 or #insert > 0 then return insert end
  return "", table.concat(found, "  ")
end

-- ---- history ----

-- $XDG_STATE_HOME/husk/history, or ~/.husk_history.
local function history_file()
  local state, home = os.getenv("XDG_STATE_HOME"), os.getenv("HOME")
  if state and state:sub(1, 1) == "/" then
    host.mkdir(state)
    if host.mkdir(state .. "/husk") then return state .. "/husk/history" end
  end
  if home and home ~= "" then return home .. "/.husk_history" end
end

-- ---- reading and running ----

local function unfinished(why) return why:find("<eof>", 1, true) ~= nil end

-- The code of the text: an expression, a statement, or nil, why, and whether more lines may mend it.
local function compile(text)
  local code = load("return " .. text, "=stdin", "t")
  if code then return code end
  local why
  code, why = load(text, "=stdin", "t")
  if code then return code end
  return nil, why, unfinished(why)
end

-- Runs the code and prints its values; the second call because a value's __tostring is the user's code too.
local function execute(code)
  require("husk.core").trace_base() -- what is below here is no frame of the line
  local results = table.pack(host.call(code))
  if results[1] and results.n > 1 then
    results = table.pack(host.call(print, table.unpack(results, 2, results.n)))
  end
  return results[1], results[2], results[3]
end

-- A whole chunk, with as many lines as it takes: its code, nil at the end, false if dropped; and the text.
local function read()
  local text
  while true do
    local line = host.line_read(text and ">> " or "> ")
    if line == false then return false end
    if line == nil then
      if not text then return nil end
      local code, why = compile(text)
      return code or false, why
    end
    if line:find("%S") then host.line_add(line) end
    text = text and text .. "\n" .. line or line
    if not text:find("%S") then return false end
    if text:find("^%s*:%a") and not text:find("\n") then return text end
    local code, why, more = compile(text)
    if code or not more then return code or false, why end
  end
end

local commands = require "husk.replcommands"

-- A line that begins with a colon: false if it is none, else whether it went well, and why not.
local function command(text, cli)
  local name, rest = text:match("^%s*:(%a+)%s*(.-)%s*$")
  if not name then return false end
  local code = commands.compile(name, rest)
  local ok, message, interrupted = host.call(code)
  if not ok then cli.complain(interrupted and "interrupted" or (message:gsub("\nstack traceback:.*", ""))) end
  return true, ok
end

local function run(args, cli)
  if args[1] then return cli.usage_error("repl: too many arguments") end
  local husk = require "husk"
  _G.husk = husk
  _G.arg = {[0] = "repl"}
  local edits = host.line_open(history_file(), complete)
  local talks = edits or host.isatty(0)
  if talks then
    io.write(("husk %s, %s. The module is in husk; Ctrl-D ends, :help helps.\n"):format(husk.version(), _VERSION))
  end
  local failed = false
  while true do
    local code, why = read()
    if code == nil then break end
    local is_command, went = false, nil
    if type(code) == "string" then is_command, went = command(code, cli) end
    if is_command then
      failed = failed or not went
    elseif code then
      local ok, message, interrupted = execute(code)
      if not ok then
        failed = true
        cli.complain(interrupted and "interrupted" or message)
      end
    elseif why then
      failed = true
      cli.complain(why)
    end
    io.stdout:flush()
  end
  if talks then io.write("\n") end
  host.line_close()
  return failed and not talks and cli.SCRIPT or cli.OK
end

return {
  usage = "husk repl",
  summary = "reads Lua a line at a time",
  help = [[
Reads Lua from the terminal. An expression prints its values. A chunk that is not complete goes on in the next
line. The module is there as the global husk.

Tab completes names and fields, Ctrl-R searches the history, Ctrl-C stops what runs or drops the line, Ctrl-D
ends. The history is kept in $XDG_STATE_HOME/husk/history, or in ~/.husk_history.

A line that begins with a colon is a command; x is any expression:

    :type x         what it is: kind, type, address, heap
    :refs x         who refers to it, and to whom it refers
    :why x          what keeps it alive: up to 5 paths
    :size x         bytes of its block
    :dry            what a pass would end, and what code it would run
    :hidden [x]     who is held from outside the heap, by type; of one object, by how many references
    :snap [NAME]    takes a snapshot of the default heap, under a name or the next number
    :diff [A B]     what changed by type between two snapshots; without names, since the latest one
    :help           lists these

From a pipe it runs the lines without a prompt, and the exit code is 1 if one of them failed.]],
  run = run,
}
