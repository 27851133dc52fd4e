-- husk.options: the options of a command, taken apart by a table.
--
--   local options = require "husk.options"
--   local got, rest = options.parse("stats", args, {top = "number", by = "text", filter = "list", json = "flag", o = "output"})
--
-- The key is the option's name, the value what it takes: "flag" nothing; "text", "number" (a whole one, 0 and more) a
-- value, in the next word or behind "="; "list" a value each time it is given. One letter is written with one dash, and
-- may be another name: o = "output" means that -o is --output. "--" ends the options, and so does the first word that is
-- none if a command with options of its own follows (in_front). A wrong one raises a husk.options.Usage, which cli turns
-- into exit code 2.

local options = {}

local Usage = {__name = "husk.Usage"}
Usage.__tostring = function(usage) return usage.text end

-- Ends the command: exit code 2.
function options.fail(format, ...)
  error(setmetatable({text = format:format(...)}, Usage), 0)
end

function options.is_usage(value) return getmetatable(value) == Usage end

local function number(command, name, word)
  local value = word:match("^%d+$") and math.tointeger(tonumber(word))
  if not value then options.fail("%s: --%s: '%s' is no whole number", command, name, word) end
  return value
end

-- The option of a word, its name as written, and the value that stands behind "=".
local function option_of(word, known)
  local name, value = word:match("^%-%-([%w-]+)=(.*)$")
  name = name or word:match("^%-%-([%w-]+)$")
  if name and #name > 1 then return name:gsub("-", "_"), value end
  local letter, behind = word:match("^%-(%a)(.*)$")
  if not letter or not known[letter] then return nil end
  return #known[letter] > 1 and known[known[letter]] and known[letter] or letter, behind ~= "" and behind or nil
end

function options.parse(command, args, known, in_front)
  local got, rest, at = {}, {}, 1
  while at <= #args do
    local word = args[at]
    at = at + 1
    if word == "--" then
      table.move(args, at, #args, #rest + 1, rest)
      break
    elseif word:sub(1, 1) ~= "-" or word == "-" then
      rest[#rest + 1] = word
      if in_front then
        table.move(args, at, #args, #rest + 1, rest)
        break
      end
    else
      local name, value = option_of(word, known)
      local kind = name and known[name]
      if not kind then options.fail("%s: unknown option '%s'", command, word) end
      if kind == "flag" then
        if value then options.fail("%s: --%s takes no value", command, name) end
        got[name] = true
      else
        if not value then
          value = args[at]
          at = at + 1
          if not value then options.fail("%s: %s wants a value", command, word) end
        end
        if kind == "number" then value = number(command, name, value) end
        if kind == "list" then
          got[name] = got[name] or {}
          table.insert(got[name], value)
        else
          got[name] = value
        end
      end
    end
  end
  return got, rest
end

-- One of some words, or a usage error that lists them.
function options.one_of(command, name, word, words)
  for _, known in ipairs(words) do
    if known == word then return word end
  end
  options.fail("%s: --%s: there is no '%s'; there are %s", command, name, word, table.concat(words, ", "))
end

return options
