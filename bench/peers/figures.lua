-- figures.lua: from samples to minima, medians, ratios and goals.
--
-- Two ratios stand for each pair: of the minima, and the median of the rounds' ratios, where each round compares the best samples
-- of two runs that were moments apart. The second one decides: it wants most rounds to agree, and other load on the machine,
-- which comes and goes for longer than that, strikes both sides alike.

local figures = {}

function figures.median(list)
    local sorted = table.move(list, 1, #list, 1, {})
    table.sort(sorted)
    local middle = (#sorted + 1) // 2
    return (sorted[middle] + sorted[#sorted + 1 - middle]) / 2
end

-- by_round: lists of samples by number of round; a round without any is missing.
function figures.digest(by_round)
    local all, bests, list = {}, {}, {}
    for round, samples in pairs(by_round) do
        table.move(samples, 1, #samples, #all + 1, all)
        bests[round] = math.min(table.unpack(samples))
        list[#list + 1] = bests[round]
    end
    return { min = math.min(table.unpack(all)), median = figures.median(all), max = math.max(table.unpack(all)), bests = bests,
        rounds = list, samples = all }
end

-- The ratio of two digests, or nil where one is missing or too small to divide by.
function figures.ratio(own, base)
    if not own or not base or base.min <= 0 then return nil end
    local ratios = {}
    for round, value in pairs(own.bests) do
        if base.bests[round] then ratios[#ratios + 1] = value / base.bests[round] end
    end
    return #ratios > 0 and { min = own.min / base.min, median = figures.median(ratios) } or nil
end

-- The one of several peers that is best in a row, by its median.
local function best_of(names, row)
    local best
    for _, name in ipairs(names) do
        if row and row[name] and (not best or row[name].median < row[best].median) then best = name end
    end
    return best
end

-- digests[row][peer]; gives nil where a side was not measured.
function figures.judge(goal, digests)
    local own = digests[goal.row] and digests[goal.row].husk
    if not own then return nil end
    local result
    if goal.over then
        local base = digests[goal.base or goal.row]
        local peer = best_of(goal.over, base)
        result = peer and figures.ratio(own, base[peer])
        if result then result.peer = peer end
    else
        result = { min = own.min, median = figures.median(own.rounds) }
    end
    if result then result.met = result.median <= goal.most end
    return result
end

-- cost = constant * n^exponent, by least squares of the logarithms of {n, ns for all n} pairs.
function figures.growth(points)
    local n, sx, sy, sxx, sxy = 0, 0, 0, 0, 0
    for _, point in ipairs(points) do
        local x, y = math.log(point[1]), math.log(point[2])
        n, sx, sy, sxx, sxy = n + 1, sx + x, sy + y, sxx + x * x, sxy + x * y
    end
    local below = n * sxx - sx * sx
    if n < 2 or below <= 0 then return nil end
    local exponent = (n * sxy - sx * sy) / below
    return exponent, math.exp((sy - exponent * sx) / n)
end

return figures
