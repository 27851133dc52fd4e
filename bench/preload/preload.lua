-- preload.lua PAIRS LIBRARY HEAPTRACK SCRATCH [ROUNDS]: what each malloc and its free take more under
-- libhusk-preload.so than alone, beside what they take more under heaptrack's library (it records into a file that is
-- then removed; nothing is interpreted). The three take turns, each in a process of its own. Ratio: of the minima, and
-- the median of the rounds' ratios.

local pairs_program, library, heaptrack, scratch = arg[1], arg[2], arg[3], arg[4]
local rounds = tonumber(arg[5] or 7)
if not scratch or not rounds then
    io.stderr:write("usage: preload.lua PAIRS LIBRARY HEAPTRACK SCRATCH [ROUNDS]\n")
    os.exit(2)
end
local GOAL = 0.4
local quick = (os.getenv("BENCH_QUICK") or "0") ~= "0"
local count = quick and 2000 or 200000

local function quoted(text)
    return "'" .. text:gsub("'", "'\\''") .. "'"
end

local out, snapshot = scratch .. "/heaptrack.out", scratch .. "/pairs.husk"
local ways = {
    { name = "alone", before = "" },
    { name = "husk", before = "HUSK_PRELOAD_OUT=" .. quoted(snapshot) .. " LD_PRELOAD=" .. quoted(library) },
    { name = "heaptrack", before = "DUMP_HEAPTRACK_OUTPUT=" .. quoted(out) .. " LD_PRELOAD=" .. quoted(heaptrack) },
}
if heaptrack == "" then
    table.remove(ways)
    print("heaptrack: absent: heaptrack is not installed")
end

local function run(way, pattern)
    local pipe = assert(io.popen(("%s %s %s %d"):format(way.before, quoted(pairs_program), pattern, count)))
    local took = tonumber(pipe:read("l"))
    if not pipe:close() or not took then
        io.stderr:write("preload.lua: failed under ", way.name, ": ", pattern, "\n")
        os.exit(1)
    end
    os.remove(out)
    os.remove(snapshot)
    return took
end

local function median(list)
    local sorted = table.move(list, 1, #list, 1, {})
    table.sort(sorted)
    local middle = (#sorted + 1) // 2
    return (sorted[middle] + sorted[#sorted + 1 - middle]) / 2
end

local function more(samples, name)
    return samples[name] - samples.alone
end

print(("%-9s %9s %9s %10s %11s %11s"):format("a pair, ns", "alone", "husk", "heaptrack", "x of minima", "x median"))
for _, pattern in ipairs({ "same", "many", "ring", "threads" }) do
    local least, ratios = {}, {}
    for round = 1, rounds do
        local samples = {}
        for turn = 0, #ways - 1 do
            local way = ways[(round + turn) % #ways + 1] -- another one goes first in each round
            samples[way.name] = run(way, pattern)
            least[way.name] = math.min(least[way.name] or math.huge, samples[way.name])
        end
        if samples.heaptrack then
            ratios[round] = more(samples, "husk") / more(samples, "heaptrack")
        end
    end
    if least.heaptrack then
        local middle = median(ratios)
        local verdict = quick and "not measured" or middle <= GOAL and "met" or "MISSED"
        print(("%-9s %9.1f %9.1f %10.1f %11.2f %11.2f  goal %.2f %s"):format(pattern, least.alone, least.husk,
            least.heaptrack, more(least, "husk") / more(least, "heaptrack"), middle, GOAL, verdict))
    else
        print(("%-9s %9.1f %9.1f %10s"):format(pattern, least.alone, least.husk, "absent"))
    end
end
