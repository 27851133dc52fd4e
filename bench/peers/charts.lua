-- charts.lua: the results as SVG charts and as the table of docs/peers.md, each with the conditions they were made under.

local svgplot = require "husk.svgplot"
local figures = require "figures"
local show = require "show"

local charts = {}

local function save(path, text)
    local file = assert(io.open(path, "w"))
    assert(file:write(text))
    file:close()
end

local function quantile(sorted, share)
    local at = share * (#sorted - 1) + 1
    local low = math.floor(at)
    local high = math.min(low + 1, #sorted)
    return sorted[low] + (sorted[high] - sorted[low]) * (at - low)
end

-- A digest as svgplot wants it: the best sample of each round.
local function result_of(name, digest)
    local list = table.move(digest.rounds, 1, #digest.rounds, 1, {})
    table.sort(list)
    local median, away = quantile(list, 0.5), {}
    for i, value in ipairs(list) do away[i] = math.abs(value - median) end
    table.sort(away)
    return { name = name, samples = list, min = list[1], max = list[#list], median = median, q1 = quantile(list, 0.25),
        q3 = quantile(list, 0.75), mad = quantile(away, 0.5) }
end

-- Rows of one unit: for each row its peers, the best first, Husk in colour.
local function rows_chart(chart, results, foot)
    local list = {}
    for _, row in ipairs(chart.rows) do
        local of_row = {}
        for _, peer in ipairs(results.plan.peers) do
            local digest = results.digests[row] and results.digests[row][peer.name]
            if digest and digest.min > 0 then
                local result = result_of(row == peer.name and peer.title or ("%s  %s"):format(row, peer.title), digest)
                result.faint = peer.name ~= "husk"
                of_row[#of_row + 1] = result
            end
        end
        table.sort(of_row, function(a, b) return a.median < b.median end)
        table.move(of_row, 1, #of_row, #list + 1, list)
    end
    if #list == 0 then return nil end
    return svgplot.document(list, nil, {
        rows = chart.title .. ": the best of each round a dot, their median a line",
        units = chart.unit == "bytes" and svgplot.numbers or svgplot.times, foot = foot,
    })
end

local function growth_chart(chart, results, foot)
    local list = {}
    local function add(work, name)
        for _, peer in ipairs(results.plan.peers) do
            local points = show.growth(results, work, peer.name)
            for _, point in ipairs(#points > 1 and points or {}) do
                local result = result_of(name or peer.title, point.digest)
                result.param = point[1]
                list[#list + 1] = result
            end
        end
    end
    add(chart.work)
    if chart.beside then add(chart.beside) end
    if #list == 0 then return nil end
    return svgplot.document(list, nil, { over = chart.title, foot = foot })
end

-- Each goal a line: what is allowed a bar, what was measured a dot, as a multiple of the goal.
local function goals_chart(results, foot)
    local canvas, entries = svgplot.canvas(), {}
    for _, entry in ipairs(show.goals(results)) do
        if entry.result and entry.goal.most > 0 then entries[#entries + 1] = entry end
    end
    if #entries == 0 then return nil end
    local low, high = 0.5, 2
    for _, entry in ipairs(entries) do
        local share = entry.result.median / entry.goal.most
        low, high = math.min(low, share), math.max(high, share)
    end
    local left, right_, top, step = 390, 800, 46, 22
    local x, marks, words = svgplot.axis(low, high, left, right_, svgplot.numbers)
    canvas:text(20, top - 14, "Measured over allowed, median of the rounds: left of the line the goal is met", ' class="head"')
    local bottom = top + step * #entries
    for i, mark in ipairs(marks) do
        canvas:line(x(mark), top, x(mark), bottom, "grid")
        canvas:text(x(mark), bottom + 16, words[i], ' text-anchor="middle"')
    end
    for i, entry in ipairs(entries) do
        local y, share = top + step * (i - 0.5), entry.result.median / entry.goal.most
        local title = entry.title .. (entry.peer and " / " .. show.title_of(results, entry.peer) or "")
        canvas:text(left - 10, y + 4, title, ' text-anchor="end"')
        canvas:add('<circle cx="%.1f" cy="%.1f" r="4" fill="%s"/>', x(share), y, entry.result.met and "#0072b2" or "#d55e00")
        canvas:text(right_ + 10, y + 4, ("%.3g of %g"):format(entry.result.median, entry.goal.most))
    end
    canvas:add('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#222" stroke-width="1.6"/>', x(1), top, x(1), bottom)
    return svgplot.page(canvas, bottom + 40, foot)
end

-- ---- the table of the page ----

local function goals_table(results)
    local lines = { "| Husk over | at most | minima | median | |", "| --- | ---: | ---: | ---: | --- |" }
    for _, entry in ipairs(show.goals(results)) do
        local result, goal = entry.result, entry.goal
        local title = entry.title .. (entry.peer and ": " .. (result and show.title_of(results, entry.peer) or entry.peer) or ", " .. entry.unit)
        lines[#lines + 1] = result and ("| %s | %.2f | %.2f | %.2f | %s |"):format(title, goal.most, result.min, result.median,
            result.met and "met" or "**missed**") or ("| %s | %.2f | | | not measured |"):format(title, goal.most)
    end
    return lines
end

local function figures_table(results)
    local lines = { "| row | unit | Husk | peers, the best first |", "| --- | --- | ---: | --- |" }
    for _, row in ipairs(show.rows(results)) do
        local own, others = results.digests[row.name].husk, {}
        for _, peer in ipairs(results.plan.peers) do
            local digest = results.digests[row.name][peer.name]
            if digest and peer.name ~= "husk" then others[#others + 1] = { peer.title, digest.min } end
        end
        table.sort(others, function(a, b) return a[2] < b[2] end)
        for i, other in ipairs(others) do others[i] = ("%s %s"):format(other[1], show.number(other[2], row.unit)) end
        lines[#lines + 1] = ("| %s | %s | %s | %s |"):format(row.title, row.unit, own and show.number(own.min, row.unit) or "",
            table.concat(others, "; "))
    end
    return lines
end

local function growth_table(results)
    local lines = { "| full pass, one root | grows as | ns an object, by number of objects |", "| --- | --- | --- |" }
    for _, peer in ipairs(results.plan.peers) do
        local points = show.growth(results, peer.name == "bound" and "bound" or "live", peer.name)
        local exponent = figures.growth(points)
        if exponent and #points > 2 then
            local each = {}
            for i, point in ipairs(points) do each[i] = ("%s: %.1f"):format(("10^%d"):format(math.floor(math.log(point[1], 10) + 0.5)), point[2] / point[1]) end
            lines[#lines + 1] = ("| %s | n^%.2f | %s |"):format(peer.title, exponent, table.concat(each, ", "))
        end
    end
    local parts = {}
    for i, share in ipairs(show.shares(results, "husk")) do
        parts[i] = ("%.0f %% at 10^%d"):format(share[2] * 100, math.floor(math.log(share[1], 10) + 0.5))
    end
    if #parts > 0 then
        lines[#lines + 1] = ""
        lines[#lines + 1] = "Share of the lower bound that Husk's full pass reaches: " .. table.concat(parts, ", ") .. "."
    end
    return lines
end

local BEGIN, END = "<!-- figures: written by make bench-peers -->", "<!-- end of figures -->"

-- The charts that the page shows, by name; nil where there is nothing to draw.
local function drawn(results)
    local foot, list = show.about_lines(results), {}
    local function add(name, text) list[#list + 1] = text and { name = name, text = text } end
    add("goals", goals_chart(results, foot))
    for _, chart in ipairs(results.plan.charts) do add(chart.name, rows_chart(chart, results, foot)) end
    for _, chart in ipairs(results.plan.growth) do add(chart.name, growth_chart(chart, results, foot)) end
    return list
end

-- Beside the page, in a folder of its name, stand the charts.
function charts.write_page(results, path)
    local file = assert(io.open(path))
    local text = file:read("a")
    file:close()
    local from, to = text:find(BEGIN, 1, true), text:find(END, 1, true)
    assert(from and to and from < to, path .. " has no place for figures")
    local lines = { BEGIN, "" }
    local function add(list) table.move(list, 1, #list, #lines + 1, lines) end
    for _, line in ipairs(show.about_lines(results)) do lines[#lines + 1] = line .. "  " end
    for _, peer in ipairs(results.plan.peers) do
        if peer.missing then lines[#lines + 1] = ("Absent: %s.  "):format(peer.title) end
    end
    lines[#lines + 1] = ""
    add(goals_table(results))
    add { "", "![goals](peers/goals.svg)", "", "Least of all samples; the medians and every sample are in the JSON file and in the charts.", "" }
    add(figures_table(results))
    lines[#lines + 1] = ""
    add(growth_table(results))
    for _, chart in ipairs(drawn(results)) do
        if chart.name ~= "goals" then add { "", ("![%s](peers/%s.svg)"):format(chart.name, chart.name) } end
    end
    add { "", END }
    save(path, text:sub(1, from - 1) .. table.concat(lines, "\n") .. text:sub(to + #END))
end

function charts.write(results, folder)
    assert(os.execute(("mkdir -p '%s'"):format(folder)))
    for _, chart in ipairs(drawn(results)) do save(("%s/%s.svg"):format(folder, chart.name), chart.text) end
end

return charts
