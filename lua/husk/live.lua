-- husk.live: what the commands that watch share: sizes in words, and a picture that is drawn anew in place.

local host = require "husk.host"

local live = {}

-- "13.8 MiB", by the rule of husk_size_text.
function live.size(bytes)
  local value = bytes + 0.0
  for _, unit in ipairs{"B", "KiB", "MiB", "GiB", "TiB"} do
    if math.abs(value) < 100 and unit ~= "B" then return ("%.1f %s"):format(value, unit) end
    if math.abs(value) < 10 * 1024 or unit == "TiB" then return ("%.0f %s"):format(value, unit) end
    value = value / 1024
  end
end

-- 1234567 -> "1.23 ms": three digits that count.
function live.time(ns)
  local value = ns + 0.0
  for _, unit in ipairs{"ns", "us", "ms", "s"} do
    if value < 999.5 or unit == "s" then
      if unit == "ns" or value >= 99.95 then return ("%.0f %s"):format(value, unit) end
      return ((value >= 9.995 and "%.1f %s") or "%.2f %s"):format(value, unit)
    end
    value = value / 1000
  end
end

-- A line that fits: characters beyond the width are left out. No character of ours is wide.
local function fit(line, width)
  local length = utf8.len(line)
  if not length then return line:sub(1, width) end
  return length <= width and line or line:sub(1, utf8.offset(line, width + 1) - 1)
end

-- Draws over what was drawn before. The last line of the window stays empty, so that nothing scrolls.
function live.draw(lines, drawn, bold)
  local width, height = host.columns()
  local out = {drawn > 0 and ("\27[%dA\r"):format(drawn) or "\r"}
  local count = math.min(#lines, height - 1)
  for i = 1, count do
    local line = fit(lines[i], width)
    out[#out + 1] = (i == 1 and bold and "\27[1m" .. line .. "\27[0m" or line) .. "\27[K\n"
  end
  out[#out + 1] = "\27[J"
  io.write(table.concat(out))
  io.flush()
  return count
end

-- A number of seconds from text, as --interval takes it; nil: it is none from 0.05 to 86400.
function live.seconds(text)
  local seconds = text:match("^[%d.]+$") and tonumber(text)
  return seconds and seconds >= 0.05 and seconds <= 86400 and seconds or nil
end

return live
