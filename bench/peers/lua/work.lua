-- work.lua MODE ROW SIZE SAMPLES: the work as one writes it in Lua. An object is a table of three: two references (false where
-- there is none) and the integer. MODE is incremental or generational, with the parameters that Lua starts with.
--
-- Lua counts nothing: where the work ends an object, it becomes garbage, and the rows of births measure what an automatic
-- collection takes from the program meanwhile. What a full collection found is told by the memory in use.

local mode, row, size, samples = ...
size, samples = tonumber(size), tonumber(samples)
local now, thread_time = host.now, host.thread_time
local collect = collectgarbage

local rows = {}

local function figure(name, value) print(("%s %.4f"):format(name, value)) end
local function sample(name, ns, operations) figure(name, ns / operations) end
local function mix(sum, number) return (sum * 31 + number) & 0xffffffff end
local function print_sum(sum) print(("sum %d"):format(sum & 0xffffffff)) end

local function field(path, pattern)
    local file = assert(io.open(path))
    local value = tonumber(file:read("a"):match(pattern))
    file:close()
    return value * 1024
end
local function resident() return field("/proc/self/status", "VmRSS:%s*(%d+)") end
local function peak() return field("/proc/self/status", "VmHWM:%s*(%d+)") end

-- Marsaglia's xorshift of 32 bits, as everywhere.
local state = 42
local function below(limit)
    local x = state
    x = (x ~ (x << 13)) & 0xffffffff
    x = x ~ (x >> 17)
    x = (x ~ (x << 5)) & 0xffffffff
    state = x
    return (x * limit) >> 32
end

-- ---- the graph ----

local function shuffled(count)
    local order = {}
    for i = 0, count - 1 do
        local j = below(i + 1)
        order[i + 1] = order[j + 1]
        order[j + 1] = i
    end
    return order
end

local function plan(count)
    local out, slot, slots, rooted = {}, {}, 0, false
    for i = 1, 2 * count do out[i], slot[i] = 0, 0 end
    local order = shuffled(count)
    local root = order[1]
    for i = 0, count - 1 do
        local number = order[i + 1]
        if i > 0 then
            local pick = below(slots) + 1
            out[slot[pick] + 1] = number
            slot[pick] = slot[slots]
            slots = slots - 1
        end
        slot[slots + 1] = 2 * number
        slot[slots + 2] = 2 * number + 1
        slots = slots + 2
    end
    while slots > 0 do
        local place = slot[slots]
        slots = slots - 1
        local from, to = place >> 1, root
        if rooted or from == root then
            repeat to = below(count) until to ~= from
        end
        rooted = rooted or to == root
        out[place + 1] = to
    end
    return out, root
end

local function plan_in(out, count)
    local start, into, next_ = {}, {}, {}
    for i = 1, count + 1 do start[i], next_[i] = 0, 0 end
    for e = 1, 2 * count do start[out[e] + 2], into[e] = start[out[e] + 2] + 1, 0 end
    for i = 1, count do start[i + 1] = start[i + 1] + start[i] end
    for e = 0, 2 * count - 1 do
        local to = out[e + 1] + 1
        into[start[to] + next_[to] + 1] = e
        next_[to] = next_[to] + 1
    end
    return start, into
end

local function age(at, out, count)
    local start, into = plan_in(out, count)
    for _ = 1, 3 do
        for _, i in ipairs(shuffled(count)) do
            local fresh = {at[out[2 * i + 1] + 1], at[out[2 * i + 2] + 1], i}
            for e = start[i + 1] + 1, start[i + 2] do
                local edge = into[e]
                at[(edge >> 1) + 1][(edge & 1) + 1] = fresh
            end
            at[i + 1] = fresh
        end
    end
end

local function build(count, aged)
    local out, root = plan(count)
    local at = {}
    for i = 1, count do at[i] = {false, false, i - 1} end
    for i = 1, count do
        at[i][1] = at[out[2 * i - 1] + 1]
        at[i][2] = at[out[2 * i] + 1]
    end
    if aged then age(at, out, count) end
    return at, at[root + 1]
end

local function graph_sum(root, count)
    local found, marked, seen, done, sum = {root}, {[root[3]] = true}, 1, 0, 0
    while done < seen do
        done = done + 1
        local o = found[done]
        sum = mix(sum, o[3])
        for k = 1, 2 do
            local to = o[k]
            if not marked[to[3]] then
                marked[to[3]] = true
                seen = seen + 1
                found[seen] = to
            end
        end
    end
    assert(seen == count, "the root holds all objects")
    return sum
end

local function alive(name, held, aged)
    collect "stop"
    local at, root = build(size, aged)
    if not held then at = nil end
    collect() -- what the building left
    for s = 0, samples do
        local before = collect "count"
        local start = now()
        collect()
        local ns = now() - start
        assert(s == 0 or math.abs(collect "count" - before) < 64, "nothing of the living graph is collected")
        if s > 0 then sample(name, ns, size) end
    end
    if held then for i = 1, size do assert(at[i][3] == i - 1) end end
    print_sum(graph_sum(root, size))
end

function rows.held() alive("held", true, false) end
function rows.live() alive("live", false, false) end
function rows.aged() alive("aged", false, true) end

-- ---- garbage ----

local function make_pairs(count)
    local sum = 0
    for i = 0, count // 2 - 1 do
        local one, other = {false, false, 2 * i}, {false, false, 2 * i + 1}
        one[1] = other
        sum = mix(sum, one[3] + other[3])
        other[1] = one
    end
    return sum
end

local function make_circle(count)
    local sum = 0
    local first = {false, false, 0}
    local last = first
    for i = 1, count - 1 do
        local o = {last, false, i}
        sum = mix(sum, o[3])
        last = o
    end
    first[1] = last
    return sum
end

local function garbage(name, make)
    local count, sum = size // 2 * 2, 0
    collect()
    collect "stop"
    for s = 0, samples do
        sum = make(count)
        local before = collect "count"
        local start = now()
        collect()
        local ns = now() - start
        assert((before - collect "count") * 1024 >= count * 72, "the garbage is collected")
        if s > 0 then sample(name, ns, count) end
    end
    print_sum(sum)
end

function rows.pairs() garbage("pairs", make_pairs) end
function rows.circle() garbage("circle", make_circle) end

-- ---- trees, churn ----

local tree_sum, tree_number

local function grow(depth)
    local t = {false, false, false, tree_number}
    tree_number = tree_number + 1
    tree_sum = mix(tree_sum, t[4])
    if depth > 0 then
        for k = 1, 2 do
            local child = grow(depth - 1)
            child[3] = t
            t[k] = child
        end
    end
    return t
end

local function walk(t, sum)
    sum = mix(sum, t[4])
    for k = 1, 2 do
        local child = t[k]
        if child then
            assert(child[3] == t, "a child knows its parent")
            sum = walk(child, sum)
        end
    end
    return sum
end

function rows.trees()
    local before = resident()
    tree_sum, tree_number = 0, 0
    local kept = grow(size)
    local nodes = tree_number
    tree_sum, tree_number = 0, 0
    local start = now()
    for _ = 1, 20 do grow(size) end
    collect()
    local ns = now() - start
    sample("trees", ns, tree_number)
    figure("trees_peak", peak() - before)
    assert(tree_number == 20 * nodes)
    print_sum(walk(kept, tree_sum))
end

local function make_pair(i, sum)
    local one, other = {false, false, 2 * i}, {false, false, 2 * i + 1}
    one[1] = other
    sum = (sum * 31 + one[3] + other[3]) & 0xffffffff
    other[1] = one
    return sum
end

local function churn_graph()
    local _, root = build(size, false)
    _ = nil
    return root
end

function rows.churn()
    local before = resident()
    local root = churn_graph()
    local sum, pairs_ = 0, size * 10 // 2
    local start = now()
    for i = 0, pairs_ - 1 do sum = make_pair(i, sum) end
    local ns = now() - start
    sample("churn", ns, 2 * pairs_)
    figure("churn_peak", peak() - before)
    print_sum(sum + graph_sum(root, size))
end

function rows.pauses()
    local root = churn_graph()
    local sum, longest, last = 0, 0, thread_time()
    for i = 0, size * 10 // 2 - 1 do
        sum = make_pair(i, sum)
        if i % 16 == 15 then
            local t = thread_time()
            if t - last > longest then longest = t - last end
            last = t
        end
    end
    figure("pauses", longest / 1e6)
    print_sum(sum + graph_sum(root, size))
end

-- ---- births, lists ----

function rows.birth()
    local sum
    for s = 0, samples do
        sum = 0
        local start = now()
        for i = 0, size - 1 do
            local o = {false, false, i}
            sum = sum + o[3]
        end
        local ns = now() - start
        if s > 0 then sample("birth", ns, size) end
    end
    print_sum(sum)
end

function rows.ring()
    local ring, turns, sum = {}, (size + 999) // 1000, nil
    for i = 1, 1000 do ring[i] = {false, false, 0} end
    for s = 0, samples do
        sum = 0
        local start = now()
        for _ = 1, turns do
            for i = 1, 1000 do
                sum = sum + ring[i][3]
                ring[i] = {false, false, i - 1}
            end
        end
        local ns = now() - start
        if s > 0 then sample("ring", ns, turns * 1000) end
    end
    print_sum(sum)
end

function rows.list()
    local sum
    for s = 0, samples do
        local head = false
        local start = now()
        for i = 0, size - 1 do head = {head, false, i} end
        local built = now() - start
        sum = 0
        local o = head
        while o do
            sum = mix(sum, o[3])
            o = o[1]
        end
        start = now()
        head = nil
        collect()
        local dropped = now() - start
        if s > 0 then
            sample("list_build", built, size)
            sample("list_drop", dropped, size)
        end
    end
    print_sum(sum)
end

function rows.bytes()
    collect "stop"
    local before, head, sum = resident(), false, 0
    for i = 0, size - 1 do head = {head, false, i} end
    figure("bytes", (resident() - before) / size)
    collect()
    figure("bytes_after", (resident() - before) / size)
    while head do
        sum = mix(sum, head[3])
        head = head[1]
    end
    print_sum(sum)
end

if row == "--list" then
    print(_VERSION .. ", " .. mode)
    for name in pairs(rows) do print(name) end
    return
end
if not rows[row] or not size or not samples then error("usage: work.lua MODE ROW SIZE SAMPLES", 0) end
collect(mode)
rows[row]()
