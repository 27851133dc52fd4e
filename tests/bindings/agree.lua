-- lua5.4 agree.lua --as NAME COMMAND [ARGUMENT ...] --as NAME COMMAND ...: runs all commands; each has to end well and
-- to print what the first one prints, line by line. Where a line of statistics begins with a place, FILE:LINE, which
-- places are the same counts, and not what they are called. After --numbers numbers may be any, and
-- so may be a word of judgement behind the last one.
local runs = {}
local numbers = arg[1] == "--numbers"
for i = numbers and 2 or 1, #arg do
  local word, last = arg[i], runs[#runs]
  if word == "--as" then
    runs[#runs + 1] = { words = {} }
  elseif last and not last.name then
    last.name = word
  else
    last.words[#last.words + 1] = "'" .. word:gsub("'", "'\\''") .. "'"
  end
end
if #runs < 2 then
  io.stderr:write("usage: agree.lua [--numbers] --as NAME COMMAND [ARGUMENT ...] --as NAME COMMAND ...\n")
  os.exit(2)
end

local failed = false
local function complain(...)
  failed = true
  print(string.format(...))
end

-- What of a line has to be the same.
local function common(line)
  return numbers and line:gsub(" *%d[%d.]*", " N"):gsub("N (%a+): %a+$", "N %1: WORD") or line
end

for _, run in ipairs(runs) do
  local pipe = assert(io.popen(table.concat(run.words, " ")))
  local places, count = {}, 0
  run.lines = {}
  for line in pipe:lines() do
    run.lines[#run.lines + 1] = line:gsub("^[^%s]+:%d+(: size=)", function(rest)
      local place = line:match("^[^%s]+:%d+")
      if not places[place] then
        count = count + 1
        places[place] = ("place %d"):format(count)
      end
      return places[place] .. rest
    end)
  end
  local ok, how, code = pipe:close()
  if not ok then complain("%s ended with %s %s", run.name, how, code) end
  if #run.lines == 0 then complain("%s printed nothing", run.name) end
end

local first = runs[1]
for i = 2, #runs do
  local run = runs[i]
  for n = 1, math.max(#first.lines, #run.lines) do
    local one, other = first.lines[n], run.lines[n]
    if not one or not other or common(one) ~= common(other) then
      complain("line %d of %s: %s", n, first.name, one or "no more")
      complain("line %d of %s: %s", n, run.name, other or "no more")
      break -- what follows is mostly the same, shifted
    end
  end
end
print(("%d lines, printed by %d programs"):format(#first.lines, #runs))
os.exit(not failed)
