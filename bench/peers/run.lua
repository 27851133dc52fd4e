-- run.lua PEERS [OPTION...]: the work of plan.lua in every peer that CMake found, in turns: each round runs every row in every
-- peer, each time in a process of its own, another one first each time, so that what the machine does meanwhile strikes all alike.
--
--   --json FILE     all samples, goals and conditions
--   --charts DIR    DIR/*.svg
--   --page FILE     the tables, into FILE between its two marks
--   --rounds N      5 if not given
--   --quick         small sizes, 3 rounds: a look in two minutes, no figure to be told
--   --tiny          only whether all peers do the same work; one round, a few seconds
--   --rows A,B --peers A,B   only these
--
-- Every run ends with a sum of what it saw in its objects. Peers that do not agree are an error, and so is a program that fails; the
-- others go on. A goal that is missed is shown, it is no failure.

local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. here .. "/../../lua/?.lua;" .. package.path
local plan = require "plan"
local figures = require "figures"
local show = require "show"
local machine = require "machine"
local charts = require "charts"

local function fail(text)
    io.stderr:write("run.lua: ", text, "\n")
    os.exit(2)
end

-- ---- options ----

local options = { mode = 1, rounds = nil }

local function names_of(text, known, what)
    local chosen = {}
    for name in text:gmatch("[^,]+") do
        local found = false
        for _, entry in ipairs(known) do found = found or entry.name == name end
        if not found then fail(('no %s "%s"'):format(what, name)) end
        chosen[name] = true
    end
    return chosen
end

local function read_options()
    local i = 2
    local function value()
        i = i + 1
        return arg[i] or fail(arg[i - 1] .. " needs a value")
    end
    while arg[i] do
        local option = arg[i]
        if option == "--json" then options.json = value()
        elseif option == "--charts" then options.charts = value()
        elseif option == "--page" then options.page = value()
        elseif option == "--rounds" then
            options.rounds = math.tointeger(tonumber(value()))
            if not options.rounds or options.rounds < 1 or options.rounds > 1000 then fail("--rounds takes 1 to 1000") end
        elseif option == "--quick" then options.mode = 2
        elseif option == "--tiny" then options.mode = 3
        elseif option == "--rows" then options.rows = names_of(value(), plan.rows, "row")
        elseif option == "--peers" then options.peers = names_of(value(), plan.peers, "peer")
        else fail(('no option "%s"'):format(option)) end
        i = i + 1
    end
    options.rounds = options.rounds or ({ 5, 3, 1 })[options.mode]
end

-- ---- running ----

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function command_of(command, ...)
    local words = {}
    for _, word in ipairs(command) do words[#words + 1] = quoted(word) end
    for _, word in ipairs { ... } do words[#words + 1] = quoted(tostring(word)) end
    return table.concat(words, " ")
end

-- Its lines, or nil and what became of it.
local function lines_of(command)
    -- Some end a list by recursion, one frame for each of its nodes.
    local pipe = assert(io.popen("ulimit -s 1048576 2>/dev/null; exec timeout 900 " .. command .. " 2>&1"))
    local lines = {}
    for line in pipe:lines() do lines[#lines + 1] = line end
    local done, how, code = pipe:close()
    if not done then return nil, ("%s %d: %s"):format(how, code, lines[#lines] or "no output") end
    return lines
end

local failures = {}
local function failed(text)
    failures[#failures + 1] = text
    io.stderr:write("run.lua: ", text, "\n")
end

-- The peers that are there, each with the rows that it has.
local function present(programs)
    local peers = {}
    for _, peer in ipairs(plan.peers) do
        local program = programs[peer.name] or { missing = "not built" }
        peer.missing, peer.command, peer.able = program.missing, program.command, {}
        if peer.missing then
            io.stderr:write(("no %s: %s is not installed\n"):format(peer.title, peer.missing))
        elseif not options.peers or options.peers[peer.name] then
            local lines, why = lines_of(command_of(peer.command, "--list"))
            if lines then
                peer.about = table.remove(lines, 1)
                for _, name in ipairs(lines) do peer.able[name] = true end
                peers[#peers + 1] = peer
            else
                failed(("%s --list: %s"):format(peer.name, why))
            end
        end
    end
    return peers
end

-- samples[figure][peer][round] = list; sums[same or row][sum] = names
local samples, sums = {}, {}

local function take(row, peer, round, lines)
    local of, found = {}, false
    for _, figure in ipairs(row.figures) do of[figure.of or figure[1]] = figure[1] end
    for _, line in ipairs(lines) do
        local name, value = line:match("^(%S+) (%S+)$")
        value = tonumber(value)
        if name == "sum" and value then
            local group = row.same or row.name
            sums[group] = sums[group] or {}
            sums[group][value] = sums[group][value] or {}
            sums[group][value][peer.name] = true
            found = true
        elseif of[name] and value then
            local by_peer = samples[of[name]] or {}
            samples[of[name]] = by_peer
            by_peer[peer.name] = by_peer[peer.name] or {}
            by_peer[peer.name][round] = by_peer[peer.name][round] or {}
            table.insert(by_peer[peer.name][round], value)
        else
            failed(('%s %s printed "%s"'):format(peer.name, row.name, line))
        end
    end
    if not found then failed(("%s %s printed no sum"):format(peer.name, row.name)) end
end

local function run_one(row, peer, round)
    local command = command_of(peer.command, row.work or row.name, row.size[options.mode], options.mode == 3 and 1 or row.samples)
    local lines, why = lines_of(command)
    if lines then
        take(row, peer, round, lines)
    else
        failed(("%s %s: %s"):format(peer.name, row.name, why))
        peer.able[row.work or row.name] = nil -- not again
    end
end

local function measure(peers)
    for round = 1, options.rounds do
        if options.mode ~= 3 then io.stderr:write(("round %d of %d\n"):format(round, options.rounds)) end
        for number, row in ipairs(plan.rows) do
            for turn = 0, #peers - 1 do
                local peer = peers[(round + number + turn) % #peers + 1]
                local wanted = not options.rows or options.rows[row.name]
                local able = peer.able[row.work or row.name] and (not row.peers or row.peers[peer.name])
                if wanted and able and round <= math.min(row.rounds or 1000, peer.rounds or 1000) then
                    run_one(row, peer, round)
                end
            end
        end
    end
end

-- All peers must have seen the same; says who did not.
local function compare_sums()
    local rows, runs = 0, 0
    for group, by_sum in pairs(sums) do
        local said = {}
        for sum, peers in pairs(by_sum) do
            local names = {}
            for name in pairs(peers) do names[#names + 1] = name end
            runs = runs + #names
            table.sort(names)
            said[#said + 1] = ("%d: %s"):format(sum, table.concat(names, ", "))
        end
        rows = rows + 1
        table.sort(said)
        if #said > 1 then failed(("the peers did not do the same work in %s: %s"):format(group, table.concat(said, "; "))) end
    end
    return rows, runs
end

read_options()
local programs = dofile(arg[1] or fail("usage: run.lua PEERS [OPTION...]"))
local peers = present(programs)
local about = machine.about(programs, options)
measure(peers)
about.load_after = machine.load()
local rows, runs = compare_sums()

local digests = {}
for name, by_peer in pairs(samples) do
    digests[name] = {}
    for peer, by_round in pairs(by_peer) do digests[name][peer] = figures.digest(by_round) end
end
local results = { plan = plan, about = about, digests = digests, failures = failures, mode = options.mode }
if options.mode == 3 then
    print(("%d peers, %d rows of work, %d sums: %s"):format(#peers, rows, runs, #failures == 0 and "all the same" or "NOT the same"))
else
    show.text(results)
end
if options.json then show.json(results, options.json) end
if #failures == 0 then
    if options.charts then charts.write(results, options.charts) end
    if options.page then charts.write_page(results, options.page) end
end
for _, text in ipairs(failures) do io.stderr:write("FAILED ", text, "\n") end
if #failures > 0 or runs == 0 then os.exit(1) end
