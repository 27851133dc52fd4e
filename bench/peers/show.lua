-- show.lua: the results as text and as JSON.

local json = require "husk.json"
local figures = require "figures"

local show = {}

-- {name, title, unit, size} of each figure that has results, in the order of the plan.
function show.rows(results)
    local rows = {}
    for _, row in ipairs(results.plan.rows) do
        for _, figure in ipairs(row.figures) do
            if results.digests[figure[1]] then
                rows[#rows + 1] = { name = figure[1], title = figure[2], unit = figure[3], size = row.size[results.mode], row = row }
            end
        end
    end
    return rows
end

function show.number(value, unit)
    if unit == "bytes" and value >= 1e5 then return ("%.1fM"):format(value / 1e6) end
    return value < 100 and ("%.2f"):format(value) or ("%.0f"):format(value)
end

local function about_lines(results)
    local about = results.about
    return {
        about.machine, ("%s; %s; revision %s"):format(about.system, about.compiler, about.revision),
        ("%s; %s; load %.2f before, %.2f after"):format(about.date, about.command, about.load_before or 0, about.load_after or 0),
    }
end
show.about_lines = about_lines

function show.goal_title(goal, results)
    for _, row in ipairs(results.plan.rows) do
        for _, figure in ipairs(row.figures) do
            if figure[1] == goal.row then return figure[2], figure[3] end
        end
    end
end

function show.title_of(results, name)
    for _, peer in ipairs(results.plan.peers) do
        if peer.name == name then return peer.title end
    end
end

-- {goal, title, peer, result} of each goal.
function show.goals(results)
    local list = {}
    for i, goal in ipairs(results.plan.goals) do
        local result = figures.judge(goal, results.digests)
        local peer = result and result.peer or goal.over and table.concat(goal.over, " or ")
        local title, unit = show.goal_title(goal, results)
        list[i] = { goal = goal, title = title, unit = unit, peer = peer, result = result }
    end
    return list
end

-- How the cost of a row grows, in one peer: {n, ns} for all objects, and how much of the bound is reached.
function show.growth(results, work, peer)
    local points = {}
    for _, row in ipairs(results.plan.rows) do
        local digest = (row.name == work or row.grows == work) and results.digests[row.name] and results.digests[row.name][peer]
        if digest then
            local size = row.size[results.mode]
            points[#points + 1] = { size, digest.min * size, digest = digest }
        end
    end
    table.sort(points, function(a, b) return a[1] < b[1] end)
    return points
end

-- The share of the lower bound that a pass reaches, by size: bound / pass, of the minima.
function show.shares(results, peer)
    local passes, bounds, shares = show.growth(results, "live", peer), show.growth(results, "bound", "bound"), {}
    for _, point in ipairs(passes) do
        for _, bound in ipairs(bounds) do
            if bound[1] == point[1] then shares[#shares + 1] = { point[1], bound[2] / point[2] } end
        end
    end
    return shares
end

local function pad(text, width) return text .. (" "):rep(width - (utf8.len(text) or #text)) end
local function right(text, width) return (" "):rep(math.max(0, width - #text)) .. text end

local function print_rows(results)
    for _, row in ipairs(show.rows(results)) do
        local by_peer = results.digests[row.name]
        print(("\n%s (%s, size %d)"):format(row.title, row.unit, row.size))
        for _, peer in ipairs(results.plan.peers) do
            local digest = by_peer[peer.name]
            if digest then
                local over = peer.name ~= "husk" and figures.ratio(by_peer.husk, digest)
                print(("  %s %s %s%s"):format(pad(peer.title, 24), right(show.number(digest.min, row.unit), 9),
                    right(show.number(digest.median, row.unit), 9),
                    over and ("   Husk / it: x%.2f  x%.2f"):format(over.min, over.median) or ""))
            end
        end
    end
end

local function print_goals(results)
    print(("\n%s %8s %8s %8s"):format(pad("goal", 72), "at most", "minima", "median"))
    for _, entry in ipairs(show.goals(results)) do
        local title = entry.title .. (entry.peer and " / " .. entry.peer or ", " .. entry.unit)
        local result = entry.result
        if result then
            local met = results.mode == 1 and (result.met and "met" or "MISSED") or ""
            print(("%s %8.2f %8.2f %8.2f  %s"):format(pad(title, 72), entry.goal.most, result.min, result.median, met))
        else
            print(("%s %8.2f %8s %8s  not measured"):format(pad(title, 72), entry.goal.most, "-", "-"))
        end
    end
end

local function print_growth(results)
    for _, work in ipairs { "live", "pairs" } do
        for _, peer in ipairs(results.plan.peers) do
            local points = show.growth(results, work, peer.name)
            local exponent = figures.growth(points)
            if exponent and #points > 2 then
                local each = {}
                for i, point in ipairs(points) do each[i] = ("%.1f at %g"):format(point[2] / point[1], point[1]) end
                print(("%s %s  n^%.3f; ns an object: %s"):format(pad(work, 6), pad(peer.title, 20), exponent, table.concat(each, ", ")))
            end
        end
    end
    local parts = {}
    for i, share in ipairs(show.shares(results, "husk")) do parts[i] = ("%.0f %% at %g"):format(share[2] * 100, share[1]) end
    if #parts > 0 then print("share of the lower bound that Husk's full pass reaches: " .. table.concat(parts, ", ")) end
end

function show.text(results)
    for _, line in ipairs(about_lines(results)) do print(line) end
    print("least and median of all samples; below 'Husk / it': ratio of the minima, median of the rounds' ratios")
    for _, peer in ipairs(results.plan.peers) do
        if peer.about or peer.missing then
            print(("  %s %s"):format(pad(peer.title, 24), peer.about or "absent: " .. peer.missing .. " is not installed"))
        end
    end
    print_rows(results)
    print_goals(results)
    print ""
    print_growth(results)
end

-- ---- JSON ----

local function object(...)
    local list = {}
    for i = 1, select("#", ...), 2 do
        local name, value = select(i, ...)
        if value ~= nil then list[#list + 1] = { name, value } end
    end
    return json.object(list)
end

local function samples_by_round(digest)
    local rounds = {}
    for round in pairs(digest.bests) do rounds[#rounds + 1] = round end
    table.sort(rounds)
    local list = {}
    for i, round in ipairs(rounds) do list[i] = digest.bests[round] + 0.0 end
    return json.list(list)
end

local function peers_json(row, results)
    local list = {}
    for _, peer in ipairs(results.plan.peers) do
        local digest = results.digests[row.name][peer.name]
        if digest then
            list[#list + 1] = { peer.name, object("min", digest.min, "median", digest.median, "max", digest.max,
                "best_by_round", samples_by_round(digest), "samples", json.list(digest.samples)) }
        end
    end
    return json.object(list)
end

function show.json(results, path)
    local about, rows, goals, peers = results.about, {}, {}, {}
    for i, peer in ipairs(results.plan.peers) do
        peers[i] = object("name", peer.name, "title", peer.title, "about", peer.about, "missing", peer.missing)
    end
    for i, row in ipairs(show.rows(results)) do
        rows[i] = object("name", row.name, "title", row.title, "unit", row.unit, "size", row.size, "peers", peers_json(row, results))
    end
    for i, entry in ipairs(show.goals(results)) do
        local goal, result = entry.goal, entry.result or {}
        goals[i] = object("row", goal.row, "over", goal.over and json.list(goal.over), "at_most", goal.most, "peer", result.peer,
            "minima", result.min, "median", result.median, "met", result.met)
    end
    local shares = {}
    for i, share in ipairs(show.shares(results, "husk")) do shares[i] = object("size", share[1], "share", share[2]) end
    local file = assert(io.open(path, "w"))
    file:write(json.encode(object(
        "machine", about.machine, "system", about.system, "compiler", about.compiler, "revision", about.revision, "date", about.date,
        "command", about.command, "rounds", about.rounds, "load_before", about.load_before, "load_after", about.load_after,
        "peers", json.list(peers), "rows", json.list(rows), "goals", json.list(goals), "share_of_bound", json.list(shares),
        "failures", json.list(results.failures))))
    file:close()
end

return show
