-- plan.lua: what is measured, and what is wanted of it: the peers, the rows of work, the goals. Tables only; run.lua does it.

local plan = {}

-- In the order of the columns. `family`: who stands for whom in the goals. `rounds`: at most so many, for what takes long.
plan.peers = {
    { name = "husk", title = "Husk" },
    { name = "boehm", title = "Boehm" },
    { name = "cpython", title = "CPython, C API" },
    { name = "python", title = "Python", rounds = 3 },
    { name = "lua_incremental", title = "Lua, incremental", rounds = 3 },
    { name = "lua_generational", title = "Lua, generational", rounds = 3 },
    { name = "php", title = "PHP", rounds = 3 },
    { name = "nim", title = "Nim, ORC" },
    { name = "glibc", title = "glibc, hand-counted" },
    { name = "mimalloc", title = "mimalloc, hand-counted" },
    { name = "jemalloc", title = "jemalloc, hand-counted" },
    { name = "tcmalloc", title = "tcmalloc, hand-counted" },
    { name = "rcbox", title = "GLib, GRcBox" },
    { name = "gobject", title = "GLib, GObject" },
    { name = "rust", title = "Rust, Rc" },
    { name = "shared_ptr", title = "C++, shared_ptr" },
    { name = "bound", title = "lower bound" },
}

-- `size`: objects (of trees, the depth) in a full, a quick and a tiny run. `samples`: in each process; where an operation takes
-- nanoseconds they are many and short, so that each process has one that other work of the machine does not disturb. `work`: the row
-- of the programs, if it has another name. `figures`: what one run prints, each a row of the tables; one of the same name if not given.
plan.rows = {
    { name = "held", size = { 1000000, 30000, 500 }, samples = 3,
        figures = { { "held", "full pass, all held from outside", "ns" } } },
    { name = "live", size = { 1000000, 30000, 500 }, samples = 3,
        figures = { { "live", "full pass, one root, random graph", "ns" } } },
    { name = "aged", size = { 1000000, 30000, 500 }, samples = 3,
        figures = { { "aged", "the same, aged", "ns" } } },
    { name = "bound", size = { 1000000, 30000, 500 }, samples = 3,
        figures = { { "bound", "lower bound of these three", "ns" } } },
    { name = "pairs", size = { 1000000, 30000, 500 }, samples = 3,
        figures = { { "pairs", "garbage in pairs", "ns" } } },
    { name = "circle", size = { 1000000, 30000, 500 }, samples = 3,
        figures = { { "circle", "garbage, one ring", "ns" } } },
    { name = "trees", size = { 16, 10, 5 }, samples = 1, same = "trees", figures = {
        { "trees", "trees with parent links, one of 21 kept", "ns" },
        { "trees_peak", "memory of that, at most", "bytes" },
    } },
    { name = "trees_auto", size = { 16, 10, 5 }, samples = 1, same = "trees", figures = {
        { "trees_auto", "trees, ORC as it comes", "ns" },
        { "trees_auto_peak", "memory of that, at most", "bytes" },
    } },
    { name = "churn", size = { 1000000, 30000, 500 }, samples = 1, same = "churn", figures = {
        { "churn", "short-lived cycles beside a living graph", "ns" },
        { "churn_peak", "memory of that, at most", "bytes" },
    } },
    { name = "pauses", size = { 1000000, 30000, 500 }, samples = 1, same = "churn",
        figures = { { "pauses", "longest pause of that", "ms" } } },
    { name = "steps", size = { 1000000, 30000, 500 }, samples = 1, figures = {
        { "steps", "step of 1 ms, one in a thousand is longer", "ms" },
        { "steps_longest", "the longest step", "ms" },
        { "steps_over", "times that garbage passed its bound", "times" },
    } },
    { name = "birth", size = { 100000, 30000, 500 }, samples = 100,
        figures = { { "birth", "alloc + free, one at a time", "ns" } } },
    { name = "ring", size = { 100000, 30000, 500 }, samples = 100,
        figures = { { "ring", "alloc + free, ring of 1000", "ns" } } },
    { name = "list", size = { 1000000, 30000, 500 }, samples = 15, figures = {
        { "list_build", "list built", "ns" },
        { "list_drop", "list dropped", "ns" },
    } },
    { name = "weak_new", size = { 100000, 10000, 500 }, samples = 40,
        figures = { { "weak_new", "weak reference made", "ns" } } },
    { name = "weak_lock", size = { 100000, 30000, 500 }, samples = 100,
        figures = { { "weak_lock", "weak lock + release, alive", "ns" } } },
    { name = "weak_dead", size = { 100000, 30000, 500 }, samples = 100,
        figures = { { "weak_dead", "weak lock, dead", "ns" } } },
    { name = "weak_gone", size = { 100000, 10000, 500 }, samples = 40,
        figures = { { "weak_gone", "death with a callback", "ns" } } },
    { name = "bytes", size = { 1000000, 30000, 500 }, samples = 1, figures = {
        { "bytes", "resident bytes an object", "bytes" },
        { "bytes_after", "the same after a full pass", "bytes" },
    } },
}

-- The rows above at other sizes: how cost grows. `size` is that of each step, in a full, a quick and a tiny run.
local function grown(work, title, steps, peers)
    for _, step in ipairs(steps) do
        local name = ("%s_%s"):format(work, step.name)
        plan.rows[#plan.rows + 1] = {
            name = name, work = work, size = step.size, samples = step.samples, rounds = 3, grows = work, peers = peers,
            figures = { { name, ("%s, 10^%s"):format(title, step.name:sub(2)), "ns", of = work } },
        }
    end
end
local steps = {
    { name = "e4", size = { 10000, 300, 10 }, samples = 20 },
    { name = "e5", size = { 100000, 3000, 50 }, samples = 5 },
    { name = "e7", size = { 10000000, 100000, 1000 }, samples = 1 },
}
-- The others would need minutes for 10^7 objects, and gigabytes for their plan.
local able = { husk = true, boehm = true, cpython = true, nim = true, bound = true }
grown("live", "full pass, one root", steps, able)
grown("bound", "lower bound", steps, able)
grown("pairs", "garbage in pairs", steps, able)

local mallocs = { "glibc", "mimalloc", "jemalloc", "tcmalloc" }
local luas = { "lua_incremental", "lua_generational" }
local weak = { "rust", "shared_ptr", "cpython", "boehm" }

-- Husk's figure over the peer's (of several, the one that is best here), or alone where no peer is named: at most `most`.
-- `base`: the peer's row, if it is another one.
plan.goals = {
    { row = "held", over = { "cpython" }, most = 0.15 },
    { row = "held", over = luas, most = 0.25 },
    { row = "live", over = { "boehm" }, most = 0.3 },
    { row = "live", over = { "cpython" }, most = 0.06 },
    { row = "aged", over = { "boehm" }, most = 0.2 },
    { row = "aged", over = { "cpython" }, most = 0.05 },
    { row = "live_e7", over = { "boehm" }, most = 0.4 },
    { row = "live_e7", over = { "cpython" }, most = 0.1 },
    { row = "pairs", over = { "nim" }, most = 0.5 },
    { row = "pairs", over = { "cpython" }, most = 0.3 },
    { row = "circle", over = { "nim" }, most = 0.5 },
    { row = "circle", over = { "cpython" }, most = 0.3 },
    { row = "trees", over = { "nim" }, most = 0.8 },
    { row = "trees_peak", over = { "nim" }, most = 1.5 },
    { row = "trees", over = { "cpython" }, most = 0.15 },
    { row = "churn", over = { "nim" }, most = 0.8 },
    { row = "pauses", most = 1.0 },
    { row = "churn_peak", over = { "cpython" }, most = 1.0 },
    { row = "steps", most = 1.5 },
    { row = "steps_over", most = 0 },
    { row = "birth", over = mallocs, most = 0.6 },
    { row = "ring", over = mallocs, most = 0.6 },
    { row = "list_build", over = mallocs, most = 1.0 },
    { row = "list_drop", over = mallocs, most = 1.0 },
    { row = "weak_new", over = weak, most = 1.0 },
    { row = "weak_lock", over = weak, most = 1.0 },
    { row = "weak_dead", over = weak, most = 1.0 },
    { row = "weak_gone", over = weak, most = 1.0 },
    { row = "bytes", most = 48 },
    { row = "bytes_after", most = 48 },
}

-- The charts: rows whose figures have one unit, so that they share an axis.
plan.charts = {
    { name = "passes", title = "A full collection of 10^6 living objects, ns an object", rows = { "held", "live", "aged", "bound" } },
    { name = "garbage", title = "Garbage found and reclaimed, ns an object", rows = { "pairs", "circle", "trees", "trees_auto", "churn" } },
    { name = "memory", title = "Memory at most, bytes", rows = { "trees_peak", "trees_auto_peak", "churn_peak" }, unit = "bytes" },
    { name = "births", title = "Births and deaths, ns", rows = { "birth", "ring", "list_build", "list_drop" } },
    { name = "weak", title = "Weak references, ns", rows = { "weak_new", "weak_lock", "weak_dead", "weak_gone" } },
    { name = "bytes", title = "Resident bytes an object", rows = { "bytes", "bytes_after" }, unit = "bytes" },
}
plan.growth = {
    { name = "growth", title = "A full collection, one root: time an object over their number; n^0 is a cost that grows as they do", work = "live", beside = "bound" },
    { name = "growth-garbage", title = "Garbage in pairs: time an object over their number; n^0 is a cost that grows as they do", work = "pairs" },
}

return plan
