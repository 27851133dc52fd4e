-- The program husk as a process, for the tests of this folder, which are run as  lua5.4 TEST.lua HUSK SOURCE SCRATCH.
local process = {husk = arg[1], source = arg[2], scratch = arg[3]}
local husk, scratch = process.husk, process.scratch

function process.quoted(word) return "'" .. word:gsub("'", "'\\''") .. "'" end
local quoted = process.quoted

-- Writes a file in the scratch folder: its path.
function process.write(name, text)
  local path = scratch .. "/" .. name
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

-- All of a file; "" if there is none.
function process.slurp(path)
  local file = io.open(path, "rb")
  local text = file and file:read("a") or ""
  if file then file:close() end
  return text
end
local slurp = process.slurp

-- Runs a command of the shell, in which $HUSK is the program: exit code, standard output, standard error.
function process.shell(command)
  local out, err = scratch .. "/out", scratch .. "/err"
  local _, how, number = os.execute(("HUSK=%s; { %s\n} >%s 2>%s"):format(quoted(husk), command, quoted(out), quoted(err)))
  return how == "exit" and number or 128 + number, slurp(out), slurp(err)
end

-- The same, and what it answers is as said: patterns; without `err` nothing is complained of. Gives what was printed.
function process.wants(command, code, out, err)
  local got, output, errors = process.shell(command)
  if got ~= code then error(("%s\nexit %d, wanted %d\n%s%s"):format(command, got, code, output, errors), 2) end
  if out and not output:find(out) then error(("%s\nprinted %q, wanted %q"):format(command, output, out), 2) end
  if err and not errors:find(err) then error(("%s\ncomplained %q, wanted %q"):format(command, errors, err), 2) end
  if not err and errors ~= "" then error(("%s\ncomplained %q"):format(command, errors), 2) end
  return output
end

-- The command that runs a piece of Lua.
function process.run(code) return "$HUSK -e " .. quoted(code) end

return process
