-- husk.svgplot: the results of husk bench as one SVG document: how the samples of each function lie, and, for functions with
-- parameters, the time over the parameter, both on logarithmic axes. bench/peers draws its charts with the same strokes.

local svgplot = {}

local WIDTH, LEFT, RIGHT = 900, 210, 150
local ROW, TOP, AXIS = 34, 46, 40
local PLOT = 420 -- the height of a plot over parameters
local colours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"} -- M. Okabe, K. Ito

local function escaped(text)
  return (text:gsub("[&<>\"]", {["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;"}):gsub("%c", " "))
end

-- Cut to what has room, at the border of a character.
local function short(text, most)
  local length = utf8.len(text)
  if not length then return (text:gsub("[\128-\255]", "?"):sub(1, most)) end
  if length <= most then return text end
  return text:sub(1, utf8.offset(text, most) - 1) .. "…"
end

local function scaled(value, units, digits)
  local format = "%." .. digits .. "g%s"
  for _, unit in ipairs(units) do
    if value >= unit[1] * 0.9995 then return format:format(value / unit[1], unit[2]) end
  end
  return format:format(value, units.none)
end

local times = {{1e9, " s"}, {1e6, " ms"}, {1e3, " µs"}, none = " ns"}
local numbers = {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}, none = ""}

-- Nanoseconds for people, three digits.
function svgplot.time(ns) return scaled(ns, times, 3) end

svgplot.times, svgplot.numbers = times, numbers

-- The marks of an axis in words, with as many digits as tell them apart.
local function words_of(marks, units)
  local words
  for digits = 3, 7 do
    words = {}
    local seen, alike = {}, false
    for i, mark in ipairs(marks) do
      words[i] = scaled(mark, units, digits)
      alike, seen[words[i]] = alike or seen[words[i]], true
    end
    if not alike then break end
  end
  return words
end

local Canvas = {}
Canvas.__index = Canvas

function Canvas:add(format, ...) self[#self + 1] = format:format(...) end

function Canvas:text(x, y, text, extra) self:add('<text x="%.1f" y="%.1f"%s>%s</text>', x, y, extra or "", escaped(text)) end

function Canvas:line(x1, y1, x2, y2, class)
  self:add('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>', x1, y1, x2, y2, class)
end

-- A logarithmic axis: the place of a value, and the values at which it is marked: 1, 2 and 5 of each decade, those alone that
-- are powers of ten over many decades, and even steps where the values are so close that no such mark is between them.
local function axis(low, high, from, to)
  low, high = math.max(low, 1e-3), math.max(high, 1e-3)
  if high / low < 1.02 then low, high = low / 1.01, high * 1.01 end
  local spread = (high / low) ^ 0.04
  low, high = low / spread, high * spread
  local bottom, range = math.log(low), math.log(high) - math.log(low)
  local function place(value) return from + (math.log(math.max(value, low)) - bottom) / range * (to - from) end
  local marks = {}
  for decade = math.floor(math.log(low, 10)), math.ceil(math.log(high, 10)) do
    for _, step in ipairs(high / low > 1e4 and {1} or high / low > 20 and {1, 2, 5} or {1, 1.5, 2, 3, 4, 5, 6, 8}) do
      local value = step * 10.0 ^ decade
      if value >= low and value <= high then marks[#marks + 1] = value end
    end
  end
  if #marks < 3 then
    local step = 10.0 ^ math.floor(math.log(high - low, 10))
    for _, part in ipairs{1, 0.5, 0.2, 0.1} do
      if (high - low) / (step * part) >= 4 then
        step = step * part
        break
      end
    end
    marks = {}
    for i = math.ceil(low / step), math.floor(high / step) do marks[#marks + 1] = i * step end
  end
  return place, marks
end

local function extremes(rows, olds)
  local low, high = math.huge, 0
  for _, row in ipairs(rows) do
    for _, result in ipairs{row, olds and olds[row] or row} do
      low, high = math.min(low, result.min), math.max(high, result.max)
    end
  end
  return low, high
end

-- ---- distributions ----

local function strip(canvas, result, x, y, class)
  canvas:add('<rect x="%.1f" y="%.1f" width="%.1f" height="14" class="box %s"/>', x(result.q1), y - 7,
    math.max(x(result.q3) - x(result.q1), 0.5), class)
  for i, sample in ipairs(result.samples) do -- beside each other by their order
    canvas:add('<circle cx="%.1f" cy="%.1f" r="1.8" class="dot %s"/>', x(sample), y - 6 + i * 5 % 13, class)
  end
  canvas:line(x(result.median), y - 9, x(result.median), y + 9, "median " .. class)
end

-- Rows of samples; those of an earlier run in grey below, and in grey a row that is `faint`. Gives the height.
local function distributions(canvas, rows, olds, top, labels)
  local height = 0
  for _, row in ipairs(rows) do height = height + (olds[row] and ROW + 18 or ROW) end
  local low, high = extremes(rows, olds)
  local x, marks = axis(low, high, LEFT, WIDTH - RIGHT)
  local heading = labels.rows or "Time of a call: every round a dot, the median a line, the middle half a box"
  local units = labels.units or times
  canvas:text(LEFT, top - 14, heading, ' class="head"')
  local words = words_of(marks, units)
  for i, mark in ipairs(marks) do
    canvas:line(x(mark), top, x(mark), top + height, "grid")
    canvas:text(x(mark), top + height + 16, words[i], ' text-anchor="middle"')
  end
  local y = top
  for _, row in ipairs(rows) do
    local old = olds[row]
    canvas:text(LEFT - 10, y + ROW / 2 + 4, short(row.name, 30), ' text-anchor="end"')
    strip(canvas, row, x, y + ROW / 2, row.faint and "old" or "new")
    canvas:text(WIDTH - RIGHT + 10, y + ROW / 2 + 4,
      ("%s ± %.1f %%"):format(scaled(row.median, units, 3), 100 * row.mad / row.median))
    if old then
      strip(canvas, old, x, y + ROW / 2 + 20, "old")
      canvas:text(WIDTH - RIGHT + 10, y + ROW / 2 + 24, "before: " .. svgplot.time(old.median), ' class="faint"')
    end
    y = y + (old and ROW + 18 or ROW)
  end
  return height + AXIS
end

-- ---- over parameters ----

-- The exponent b of time = a * n^b that fits best, by least squares of the logarithms.
function svgplot.exponent(rows)
  local n, sx, sy, sxx, sxy = 0, 0, 0, 0, 0
  for _, row in ipairs(rows) do
    local x, y = math.log(row.param), math.log(row.median)
    n, sx, sy, sxx, sxy = n + 1, sx + x, sy + y, sxx + x * x, sxy + x * y
  end
  local below = n * sxx - sx * sx
  return n > 1 and below > 0 and (n * sxy - sx * sy) / below or nil
end

-- Names at the ends of their lines, moved apart where they would lie on each other.
local function label(canvas, ends, bottom)
  table.sort(ends, function(a, b) return a.y < b.y end)
  for i = #ends, 1, -1 do ends[i].y = math.min(ends[i].y, (ends[i + 1] and ends[i + 1].y or bottom + 13) - 13) end
  for i = 2, #ends do ends[i].y = math.max(ends[i].y, ends[i - 1].y + 13) end
  for _, line in ipairs(ends) do
    canvas:text(WIDTH - RIGHT - 30, line.y + 4, line.text, (' style="fill:%s"'):format(line.colour))
  end
end

local function over_parameters(canvas, series, top, labels)
  local all, least, most = {}, math.huge, 0
  for _, rows in ipairs(series) do
    for _, row in ipairs(rows) do
      all[#all + 1] = row
      least, most = math.min(least, row.param), math.max(most, row.param)
    end
  end
  local right, bottom, left = WIDTH - RIGHT - 40, top + PLOT, 90
  local low, high = extremes(all)
  local x, columns = axis(least, most, left, right)
  local y, lines = axis(low, high, bottom, top)
  local heading = labels.over or "Time of a call over the parameter: medians, from the least to the upper quartile"
  canvas:text(left, top - 14, heading, ' class="head"')
  local words = words_of(columns, numbers)
  for i, mark in ipairs(columns) do
    canvas:line(x(mark), top, x(mark), bottom, "grid")
    canvas:text(x(mark), bottom + 16, words[i], ' text-anchor="middle"')
  end
  words = words_of(lines, times)
  for i, mark in ipairs(lines) do
    canvas:line(left, y(mark), right, y(mark), "grid")
    canvas:text(left - 8, y(mark) + 4, words[i], ' text-anchor="end"')
  end
  local ends = {}
  for i, rows in ipairs(series) do
    local colour, points = colours[(i - 1) % #colours + 1], {}
    for j, row in ipairs(rows) do
      points[j] = ("%.1f,%.1f"):format(x(row.param), y(row.median))
      canvas:add('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="4" opacity="0.35"/>', x(row.param),
        y(row.min), x(row.param), y(row.q3), colour)
      canvas:add('<circle cx="%.1f" cy="%.1f" r="3.2" fill="%s"/>', x(row.param), y(row.median), colour)
    end
    canvas:add('<polyline points="%s" fill="none" stroke="%s" stroke-width="1.6"/>', table.concat(points, " "), colour)
    local exponent, last = svgplot.exponent(rows), rows[#rows]
    ends[i] = {
      y = y(last.median), colour = colour,
      text = short(last.name, 18) .. (exponent and ("  n^%.2f"):format(exponent + 0.0) or ""),
    }
  end
  label(canvas, ends, bottom)
  return PLOT + AXIS
end

-- ---- the document ----

local style = [[
text { font: 12px sans-serif; fill: #222 } .head { font-weight: bold } .faint { fill: #777 }
.grid { stroke: #ddd } .median { stroke-width: 2.4 } .box { opacity: .22 } .dot { opacity: .5 }
.new { fill: #0072b2; stroke: none } .old { fill: #888; stroke: none } line.new { stroke: #0072b2 } line.old { stroke: #666 }]]

function svgplot.canvas() return setmetatable({}, Canvas) end

-- The place of a value on a logarithmic axis, its marks, and their words.
function svgplot.axis(low, high, from, to, units)
  local place, marks = axis(low, high, from, to)
  return place, marks, words_of(marks, units)
end

-- What was drawn, as a document of that height; below it the lines of `foot`.
function svgplot.page(canvas, height, foot)
  for i, line in ipairs(foot or {}) do canvas:text(20, height + 16 * i, line, ' class="faint"') end
  height = height + 16 * #(foot or {}) + 10
  return table.concat({
    ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">'):format(WIDTH, height, WIDTH, height),
    "<style>" .. style .. "</style>", '<rect width="100%" height="100%" fill="#fff"/>', table.concat(canvas, "\n"), "</svg>\n",
  }, "\n")
end

-- results: those of measure.run; olds: results of an earlier run by result. Parameters that are not above 0 have no place on
-- a logarithmic axis: their functions are shown as rows. labels, all optional: headings of `rows` and `over`, `units` of rows
-- and `foot`, lines below.
function svgplot.document(results, olds, labels)
  labels = labels or {}
  local rows, series, by_name, flat = {}, {}, {}, {}
  for _, result in ipairs(results) do
    if not result.param or result.param <= 0 then flat[result.name] = true end
  end
  for _, result in ipairs(results) do
    if flat[result.name] then
      local row = setmetatable({name = result.label or result.name}, {__index = result})
      rows[#rows + 1] = row
    else
      local list = by_name[result.name]
      if not list then
        list = {}
        by_name[result.name], series[#series + 1] = list, list
      end
      list[#list + 1] = result
    end
  end
  local earlier = {}
  for _, row in ipairs(rows) do earlier[row] = olds and olds[getmetatable(row).__index] end
  for _, list in ipairs(series) do table.sort(list, function(a, b) return a.param < b.param end) end
  local canvas, top = svgplot.canvas(), TOP
  if #rows > 0 then top = top + distributions(canvas, rows, earlier, top, labels) + TOP end
  if #series > 0 then top = top + over_parameters(canvas, series, top, labels) + TOP end
  return svgplot.page(canvas, top - TOP, labels.foot)
end

return svgplot
