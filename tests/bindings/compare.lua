-- lua5.4 compare.lua STORY LEVEL COMMAND [ARGUMENT ...]: runs the command and compares what it prints, line by line,
-- with the text blocks of STORY (story.md). Blocks of a higher level ("level 2") are left out. The command has to end
-- well, too.
local path, level = arg[1], tonumber(arg[2])
if not level or not arg[3] then
  io.stderr:write("usage: compare.lua STORY LEVEL COMMAND [ARGUMENT ...]\n")
  os.exit(2)
end

local function lines_of(text)
  local list = {}
  for line in (text:gsub("\r\n", "\n") .. "\n"):gmatch("(.-)\n") do list[#list + 1] = line end
  while list[#list] == "" do list[#list] = nil end
  return list
end

local file = assert(io.open(path))
local wanted, inside = {}, false
for line in file:lines() do
  local language, mark = line:match("^```(%l*)%s*(.-)%s*$")
  if not inside and language then
    local needs = mark == "" and 1 or tonumber(mark:match("^level ([23])$"))
    assert(needs, path .. ": there is no mark " .. mark)
    inside = (language == "text" and level >= needs) and "keep" or "skip"
  elseif inside and language == "" then
    inside = false
  elseif inside == "keep" then
    wanted[#wanted + 1] = line
  end
end
file:close()
assert(not inside and #wanted > 0, path .. ": no lines in it")

local words = {}
for i = 3, #arg do words[#words + 1] = "'" .. arg[i]:gsub("'", "'\\''") .. "'" end
local pipe = assert(io.popen(table.concat(words, " ")))
local got = lines_of(pipe:read("a"))
local ok, how, code = pipe:close()

local failed = false
local function complain(...)
  failed = true
  print(string.format(...))
end
for i = 1, math.max(#wanted, #got) do
  if wanted[i] ~= got[i] then
    complain("line %d: wanted %s", i, wanted[i] or "no more")
    complain("%s got %s", (" "):rep(#tostring(i) + 9), got[i] or "no more")
    break -- what follows is mostly the same, shifted
  end
end
if not ok then complain("the command ended with %s %s", how, code) end
print(("%d lines wanted, %d printed"):format(#wanted, #got))
os.exit(not failed)
