-- docs/lua-reference.md is what the comments of the Lua layer say. `run.lua reference ROOT` compares, with `write` it
-- writes the page.
--
-- An entry is a comment line `-- name(arguments): text`, or `-- name: text`, or several names with commas, with the
-- lines that follow it. A name has a dot or a colon: husk.collect, heap:list, list:append. The first comment of a
-- file is the text of its section, and `-- ---- words ----` a heading.
local pages = require "pages"

local reference = {}

-- The files, in the order of the page, with the headings of their sections.
local files = {
  {"init", "The module"}, {"heap", "Heaps"}, {"survey", "Heaps: dry runs, hidden references, leaks"}, {"type", "Types"}, {"weak", "husk.weak"}, {"gc", "husk.gc"},
  {"trace", "husk.trace"}, {"ledger", "husk.ledger"}, {"snapshot", "husk.snapshot"},
  {"memory", "husk.memory"}, {"workload", "husk.workload"}, {"sequence", "husk.workload: random programs"},
  {"shrink", "husk.workload: shrinking"}, {"expect", "husk.expect"},
}

-- "husk.a(x), husk.b(x): text" -> {"husk.a(x)", "husk.b(x)"}, "text"; nil for any other line.
local function entry_start(line)
  local names, rest = {}, line
  while true do
    local name, after = rest:match("^([%a][%w_]*[.:][%a_][%w_.]*%b())(.*)$")
    if not name then name, after = rest:match("^([%a][%w_]*[.:][%a_][%w_.]*)(.*)$") end
    if not name then name, after = rest:match("^(%a+%(%))(.*)$") end
    if not name then return nil end
    names[#names + 1] = name
    local text = after:match("^: (.*)$")
    if text then return names, text end
    rest = after:match("^, (.*)$")
    if not rest then return nil end
  end
end

-- The parts of one file: {head = lines}, {heading = words}, {names = {...}, text = lines}.
local function parse(text)
  local parts, current = {}, nil
  local head = {}
  local in_head = true
  for line in (text .. "\n"):gmatch("(.-)\n") do
    local comment = line:match("^%-%- ?(.*)$")
    if in_head then
      if comment then head[#head + 1] = comment else in_head = false end
    elseif not comment then
      current = nil
    else
      local heading = comment:match("^%-%-%-%- (.-) %-%-%-%-$")
      local names, first = entry_start(comment)
      if heading then
        parts[#parts + 1], current = {heading = heading}, nil
      elseif names then
        current = {names = names, text = {first}}
        parts[#parts + 1] = current
      elseif current then
        current.text[#current.text + 1] = comment
      end
    end
  end
  return head, parts
end

-- All entries: a list of {file =, names =, text =}.
function reference.entries(root)
  local list = {}
  for _, file in ipairs(files) do
    local text = assert(pages.read(("%s/bindings/lua/husk/%s.lua"):format(root, file[1])))
    for _, part in ipairs(select(2, parse(text))) do
      if part.names then
        list[#list + 1] = {file = file[1], names = part.names, text = table.concat(part.text, " ")}
      end
    end
  end
  return list
end

-- Signs that Markdown would take for its own, outside of what stands in backquotes.
local function plain(text)
  return (("`" .. text .. "`"):gsub("`([^`]*)`", function(outside)
    return "`" .. outside:gsub("([*_<>])", "\\%1") .. "`"
  end):sub(2, -2))
end

local function wrapped(words, indent)
  local lines, line = {}, indent.first
  for word in words:gmatch("%S+") do
    if #line + 1 + #word > 118 and line:match("%S") then
      lines[#lines + 1], line = line, indent.rest .. word
    else
      line = line:match("^%s*$") and line .. word or line:match("[ ]$") and line .. word or line .. " " .. word
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

function reference.page(root)
  local out = {
    "# Lua: reference", "",
    wrapped("Made from the comments of `bindings/lua/husk/*.lua` by `tests/docs/reference.lua`; [Lua](lua.md) is the guide. " ..
      "What is written `heap:name` is a method of every heap and, as `husk.name`, a function that works on the default heap.",
      {first = "", rest = ""}), "",
  }
  for _, file in ipairs(files) do
    local head, parts = parse(assert(pages.read(("%s/bindings/lua/husk/%s.lua"):format(root, file[1]))))
    out[#out + 1] = "## " .. file[2] .. "\n"
    local prose = {}
    for _, line in ipairs(head) do
      if not line:match("^  ") and line ~= "" then prose[#prose + 1] = line end
    end
    out[#out + 1] = wrapped(plain((table.concat(prose, " "):gsub("^[%w_.]+: (%l)", string.upper))), {first = "", rest = ""}) .. "\n"
    for _, part in ipairs(parts) do
      if part.heading then
        out[#out + 1] = "### " .. part.heading:sub(1, 1):upper() .. part.heading:sub(2) .. "\n"
      else
        out[#out + 1] = "**`" .. table.concat(part.names, "`**, **`") .. "`**  "
        out[#out + 1] = wrapped(plain(table.concat(part.text, " ")):gsub("^%l", string.upper), {first = "", rest = ""}) .. "\n"
      end
    end
  end
  return (table.concat(out, "\n"):gsub("\n+$", "\n"))
end

return setmetatable(reference, {__call = function(_, root, report, mode)
  local at = root .. "/docs/lua-reference.md"
  local wanted = reference.page(root)
  report.seen = report.seen + #reference.entries(root)
  if mode == "write" then
    pages.write(at, wanted)
  elseif pages.read(at) ~= wanted then
    report.complain("docs/lua-reference.md", "stale; write it with lua5.4 tests/docs/run.lua reference . write")
  end
end})
