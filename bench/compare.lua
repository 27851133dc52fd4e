-- compare.lua SYSTEMS RESULTS [ROUNDS [ROW...]]: runs every row in every system, ROUNDS times (7) in turn,
-- each time in a process of its own, so that no heap and no noise of the machine favours one; prints the
-- table and the goals, and writes all samples to RESULTS as JSON. SYSTEMS is the file that CMake wrote. A
-- goal that is missed is shown, it is no failure; a program that fails is.
--
-- Two ratios stand for each pair: of the minima, and the median of the rounds' ratios, where each round
-- compares the best samples of two runs that were seconds apart. The second one decides: it wants most rounds
-- to agree, and other load on the machine, which comes and goes for longer than that, strikes both sides
-- alike.

local systems_file, results_file, rounds = arg[1], arg[2], tonumber(arg[3] or 7)
if not results_file or not rounds then
    io.stderr:write("usage: compare.lua SYSTEMS RESULTS [ROUNDS [ROW...]]\n")
    os.exit(2)
end
local systems = dofile(systems_file)

local rows = {
    { name = "birth", title = "alloc + free, one at a time", unit = "ns" },
    { name = "ring", title = "alloc + free, ring of 1000", unit = "ns" },
    { name = "count", title = "retain + release, hot", unit = "ns" },
    { name = "list", title = "list of 10^6, build + drop", unit = "ns" },
    { name = "list_drop", title = "list of 10^6, drop alone", unit = "ns" },
    { name = "live", title = "full pass, 10^6 alive, random", unit = "ns" },
    { name = "aged", title = "full pass, the same, aged", unit = "ns" },
    { name = "pairs", title = "garbage, 10^6 in pairs", unit = "ns" },
    { name = "weak_new", title = "weak reference made", unit = "ns" },
    { name = "weak_lock", title = "weak lock + release, alive", unit = "ns" },
    { name = "weak_dead", title = "weak lock, dead", unit = "ns" },
    { name = "weakmap", title = "weak-key map: entry made, gone", unit = "ns" },
    { name = "chain", title = "pass, chain of 10^6 ephemerons", unit = "ns" },
    { name = "chain_short", title = "the same, chain of 10^5", unit = "ns" },
    { name = "bytes", title = "resident bytes an object", unit = "bytes" },
    { name = "bytes_after", title = "the same after a full pass", unit = "bytes" },
    { name = "trace_one", title = "traced, 1 frame: a pair more", unit = "ns" },
    { name = "trace_deep", title = "16 frames (CPython: 25)", unit = "ns" },
    { name = "trace_moving", title = "the same, newest ones change", unit = "ns" },
    { name = "trace_pointers", title = "16 by frame pointers alone", unit = "ns" },
    { name = "trace_sampled", title = "sampled / untraced", unit = "times" },
    { name = "trace_bytes", title = "10 places: more resident", unit = "bytes", rounds = 3, peers_only = true },
    { name = "trace_own", of = "trace_bytes", title = "the same, says the tracer", unit = "bytes" },
    { name = "trace_bytes_many", title = "10^5 places: more resident", unit = "bytes", rounds = 3,
        peers_only = true },
    { name = "trace_own_many", of = "trace_bytes_many", title = "the same, says the tracer", unit = "bytes" },
    { name = "snapshot", title = "snapshot, 10^6 traced", unit = "ns", rounds = 3, peers_only = true },
    { name = "stats", of = "snapshot", title = "statistics by line", unit = "ns" },
    { name = "compare", of = "snapshot", title = "comparison by line", unit = "ns" },
    { name = "file", of = "snapshot", title = "save + load", unit = "ns" },
    { name = "snapshot_edges", title = "snapshot, 3 references each", unit = "ns", rounds = 3,
        peers_only = true },
    { name = "large", title = "snapshot, 10^7, 2 references", unit = "s", rounds = 3, peers_only = true },
    { name = "large_bytes", of = "large", title = "its bytes an object", unit = "bytes" },
}

-- `of` names the row in whose run the figure is measured too. For what takes long: `rounds`, at most so many, and
-- `peers_only`, not again with the shared library.

-- Husk's row over another figure: a row of a peer (`base`, if not the same one), another row of its own, or a
-- plain number.
local goals = {
    { row = "birth", peer = "mimalloc", most = 0.7 },
    { row = "ring", peer = "mimalloc", most = 0.7 },
    { row = "live", peer = "boehm", most = 0.35 },
    { row = "live", peer = "cpython", most = 0.07 },
    { row = "aged", own = "live", most = 1.3 },
    { row = "pairs", peer = "cpython", most = 0.35 },
    { row = "weak_lock", peer = "cpython", most = 1.0 },
    { row = "chain", own = "chain_short", most = 3 },
    { row = "list_drop", peer = "mimalloc", most = 1.0 },
    { row = "bytes", most = 48 },
    { row = "bytes_after", most = 48 },
    { row = "trace_one", peer = "cpython", most = 0.05 },
    { row = "trace_deep", peer = "cpython", most = 0.05 },
    { row = "trace_moving", peer = "cpython", most = 0.05 },
    { row = "trace_pointers", peer = "cpython", base = "trace_deep", most = 0.05 },
    { row = "trace_sampled", most = 1.03 },
    { row = "trace_bytes", most = 8 },
    { row = "trace_own", most = 8 },
    { row = "trace_bytes_many", peer = "cpython", most = 0.17 }, -- 8 bytes to 49
    { row = "trace_own_many", peer = "cpython", most = 0.17 },
    { row = "snapshot", peer = "cpython", most = 0.15 },
    { row = "snapshot_edges", peer = "cpython", base = "snapshot", most = 0.15 },
    { row = "large", most = 2 },
    { row = "large_bytes", most = 32 },
    { row = "stats", peer = "cpython", most = 0.02 },
    { row = "compare", peer = "cpython", most = 0.02 },
    { row = "file", peer = "cpython", most = 0.3 },
}

local function quoted(text)
    return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function fail(text)
    io.stderr:write("compare.lua: ", text, "\n")
    os.exit(1)
end

local function lines_of(command)
    local pipe = assert(io.popen(command))
    local lines = {}
    for line in pipe:lines() do
        lines[#lines + 1] = line
    end
    if not pipe:close() then
        fail("failed: " .. command)
    end
    return lines
end

local function read(path)
    local file = io.open(path)
    local text = file and file:read("a") or ""
    if file then
        file:close()
    end
    return text
end

local function machine()
    local cpu = read("/proc/cpuinfo")
    local _, cores = cpu:gsub("processor%s*:", "")
    local memory = tonumber(read("/proc/meminfo"):match("MemTotal:%s*(%d+)")) or 0
    local model = cpu:match("model name%s*:%s*([^\n]+)") or "unknown processor"
    local system = read("/proc/sys/kernel/osrelease"):match("%S+") or "?"
    return ("%s, %d cores, %d GiB, Linux %s"):format(model, cores, (memory + 524288) // 1048576, system)
end

-- samples[row][system][round] = list of figures

-- The rows that are run, to have the chosen ones.
local function runs_of(chosen)
    local needed, runs = {}, {}
    for _, row in ipairs(chosen) do
        needed[row.of or row.name] = true
    end
    for _, row in ipairs(rows) do
        if needed[row.name] then
            runs[#runs + 1] = row
        end
    end
    return runs
end

-- One run: its lines go to the samples of their rows.
local function run(system, row, round, samples)
    for _, line in ipairs(lines_of(quoted(system.program) .. " " .. row.name)) do
        local name, value = line:match("^(%S+) (%S+)$")
        if not samples[name] or samples[name].run ~= row.name or not tonumber(value) then
            fail(("%s %s printed \"%s\""):format(system.program, row.name, line))
        end
        local by_round = samples[name].systems[system.name] or {}
        samples[name].systems[system.name] = by_round
        by_round[round] = by_round[round] or {}
        table.insert(by_round[round], tonumber(value))
    end
end

local function measure(chosen)
    local samples, able = {}, {}
    for _, row in ipairs(rows) do
        samples[row.name] = { run = row.of or row.name, systems = {} }
    end
    for _, system in ipairs(systems) do
        able[system.name] = {}
        if not system.missing then
            local listed = lines_of(quoted(system.program) .. " --list")
            system.about = table.remove(listed, 1) .. ", " .. system.how
            for _, name in ipairs(listed) do
                able[system.name][name] = true
            end
        end
    end
    for round = 1, rounds do
        io.stderr:write(("round %d of %d\n"):format(round, rounds))
        for _, row in ipairs(runs_of(chosen)) do
            for turn = 0, #systems - 1 do
                local system = systems[(round + turn) % #systems + 1] -- another one goes first in each round
                local again = row.peers_only and system.name == "husk_shared"
                if able[system.name][row.name] and not again and round <= (row.rounds or rounds) then
                    run(system, row, round, samples)
                end
            end
        end
    end
    return samples
end

local function median(list)
    local sorted = table.move(list, 1, #list, 1, {})
    table.sort(sorted)
    local middle = (#sorted + 1) // 2
    return (sorted[middle] + sorted[#sorted + 1 - middle]) / 2
end

local function digest(by_round)
    local all, bests = {}, {}
    for round, list in ipairs(by_round) do
        table.move(list, 1, #list, #all + 1, all)
        bests[round] = math.min(table.unpack(list))
    end
    return { min = math.min(table.unpack(all)), median = median(all), bests = bests, samples = all }
end

local function digests(samples)
    local all = {}
    for row, of_row in pairs(samples) do
        all[row] = {}
        for system, list in pairs(of_row.systems) do
            all[row][system] = digest(list)
        end
    end
    return all
end

local function ratio(own, base)
    -- Quick runs of the tests may be too short for the clock, or for a page.
    if not own or not base or base.min <= 0 then
        return nil
    end
    local ratios = {}
    for round, value in ipairs(own.bests) do
        ratios[round] = value / base.bests[round]
    end
    return { min = own.min / base.min, median = median(ratios) }
end

local quick = os.getenv("BENCH_QUICK")
if quick == "" or quick == "0" then
    quick = nil
end

local function judge(goal, figures)
    if quick then
        return nil -- the work is too small for its time to mean anything
    end
    local own, result = figures[goal.row] and figures[goal.row].husk, nil
    if goal.peer then
        result = own and ratio(own, figures[goal.base or goal.row][goal.peer])
    elseif goal.own then
        result = own and ratio(own, figures[goal.own] and figures[goal.own].husk)
    else
        result = own and { min = own.min, median = own.median }
    end
    if result then
        result.met = result.median <= goal.most
    end
    return result
end

-- Printing

local function cell(text, width)
    return (" "):rep(math.max(0, width - #text)) .. text
end

local function figures_of(figure)
    local form = figure.median < 1000 and "%.2f  %6.2f" or "%.0f  %6.0f"
    return form:format(figure.min, figure.median)
end

local function print_table(chosen, figures)
    local title_width, width = 31, 17
    local head = { (" "):rep(title_width) }
    for _, system in ipairs(systems) do
        head[#head + 1] = cell(system.name, width)
    end
    print("min and median of each row; below it Husk, linked statically, over the peer:")
    print("ratio of the minima, and median of the rounds' ratios")
    print(table.concat(head))
    for _, row in ipairs(chosen) do
        local line = { row.title .. (" "):rep(title_width - #row.title) }
        local ratios, any = { (" "):rep(title_width) }, false
        for _, system in ipairs(systems) do
            local own, figure = figures[row.name].husk, figures[row.name][system.name]
            if figure then
                line[#line + 1] = cell(figures_of(figure), width)
            else
                line[#line + 1] = cell(system.missing and "absent" or "-", width)
            end
            local over = system.name ~= "husk" and ratio(own, figure)
            if over then
                any = true
                ratios[#ratios + 1] = cell(("x%.2f  x%5.2f"):format(over.min, over.median), width)
            else
                ratios[#ratios + 1] = cell("", width)
            end
        end
        print((table.concat(line):gsub("%s+$", "")))
        if any then
            print((table.concat(ratios):gsub("%s+$", "")))
        end
    end
end

local function goal_title(goal)
    for _, row in ipairs(rows) do
        if row.name == goal.row then
            local other = goal.peer or goal.own and "itself, fresh"
            return row.title .. (other and " / " .. other or "")
        end
    end
end

local function print_goal(goal, result)
    local title = goal_title(goal)
    if result then
        print(("%-46s %8.2f %8.2f %8.2f  %s"):format(
            title, goal.most, result.min, result.median, result.met and "met" or "MISSED"))
    else
        print(("%-46s %8.2f %8s %8s  not measured"):format(title, goal.most, "-", "-"))
    end
end

-- Those of the rows that were asked for.
local function print_goals(chosen, figures)
    local asked = {}
    for _, row in ipairs(chosen) do
        asked[row.name] = true
    end
    print(("\n%-46s %8s %8s %8s"):format("goal", "at most", "min", "median"))
    for _, goal in ipairs(goals) do
        if asked[goal.row] then
            print_goal(goal, judge(goal, figures))
        end
    end
end

-- JSON

local function json(value, indent)
    local kind = math.type(value) or type(value)
    if kind == "string" then
        return '"' .. value:gsub('[%c"\\]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
    elseif kind == "float" then
        return ("%.6g"):format(value)
    elseif kind ~= "table" then
        return tostring(value)
    end
    local parts, inner = {}, indent .. "  "
    if #value > 0 or next(value) == nil then
        if type(value[1]) ~= "table" then
            for i, item in ipairs(value) do
                parts[i] = json(item, inner)
            end
            return "[" .. table.concat(parts, ", ") .. "]"
        end
        for i, item in ipairs(value) do
            parts[i] = inner .. json(item, inner)
        end
        return "[\n" .. table.concat(parts, ",\n") .. "\n" .. indent .. "]"
    end
    local names = {}
    for name in pairs(value) do
        names[#names + 1] = name
    end
    table.sort(names)
    for i, name in ipairs(names) do
        parts[i] = inner .. json(name, inner) .. ": " .. json(value[name], inner)
    end
    return "{\n" .. table.concat(parts, ",\n") .. "\n" .. indent .. "}"
end

local function write_results(about, chosen, figures)
    local out = {
        machine = about.machine, date = about.date, command = about.command, compiler = systems.compiler,
        rounds = rounds, systems = {}, rows = {}, goals = {},
    }
    for i, system in ipairs(systems) do
        out.systems[i] = { name = system.name, about = system.about, missing = system.missing }
    end
    for i, row in ipairs(chosen) do
        out.rows[i] = { name = row.name, title = row.title, unit = row.unit, systems = figures[row.name] }
    end
    for _, goal in ipairs(goals) do
        local result = judge(goal, figures) or {}
        out.goals[#out.goals + 1] = { row = goal.row, peer = goal.peer, base = goal.base, own = goal.own,
            at_most = goal.most, min = result.min, median = result.median, met = result.met }
    end
    local file = assert(io.open(results_file, "w"))
    file:write(json(out, ""), "\n")
    file:close()
end

local chosen = {}
for _, row in ipairs(rows) do
    local wanted = #arg < 4
    for i = 4, #arg do
        wanted = wanted or arg[i] == row.name or arg[i] == row.of
    end
    if wanted then
        chosen[#chosen + 1] = row
    end
end
for i = 4, #arg do
    local known = false
    for _, row in ipairs(rows) do
        known = known or row.name == arg[i]
    end
    if not known then
        fail(('no row "%s"'):format(arg[i]))
    end
end

local about = {
    machine = machine(),
    date = os.date("!%Y-%m-%d %H:%M UTC"),
    command = ("bench/compare.lua, %d rounds%s"):format(rounds, quick and ", BENCH_QUICK=" .. quick or ""),
}
local figures = digests(measure(chosen))
print(about.machine)
print(about.date .. "; " .. about.command .. "; " .. systems.compiler)
print("object: two references and one 64-bit integer; times in ns for one operation or one object")
for _, system in ipairs(systems) do
    print(("  %-12s %s"):format(system.name, system.about or "absent: " .. system.missing))
end
print()
print_table(chosen, figures)
print_goals(chosen, figures)
write_results(about, chosen, figures)
print("\nall samples: " .. results_file)
