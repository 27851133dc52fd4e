-- husk.memory: numbers of processes, mappings, the balance sheet; a heap by size class and by type.
-- lua5.4 memory.lua ROOT
local root = arg[1]
local husk = require "husk"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises
local memory = husk.memory

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("a")
  file:close()
  return text
end

local page = math.tointeger(assert(io.popen("getconf PAGESIZE")):read("n"))

-- Calls fn with the number of a process that waits until its input ends; returns the number when it has ended.
local function with_child(fn)
  local path = os.tmpname()
  local child = assert(io.popen(("echo $$ > %s.pid && mv %s.pid %s; exec cat > /dev/null"):format(path, path, path), "w"))
  local pid
  while not pid do
    pid = math.tointeger(read(path):match("^(%d+)\n"))
    if not pid then os.execute("sleep 0.02") end
  end
  os.remove(path)
  while read(("/proc/%d/comm"):format(pid)) ~= "cat\n" do os.execute("sleep 0.02") end
  local done, err = pcall(fn, pid)
  child:close()
  if not done then error(err, 0) end
  return pid
end

test("this process's numbers are those of /proc at the moment of asking", function()
  local function statm() return read("/proc/self/statm"):match("(%d+) (%d+)") end
  statm() -- the buffers of reading are there
  local size, before = statm()
  local info = memory.info()
  local _, after = statm()
  ok(before * page - page <= info.rss and info.rss <= after * page + page, ("rss %d <= %d <= %d"):format(before * page,
    info.rss, after * page))
  ok(math.abs(info.vms - size * page) <= 64 * page, "vms")
  ok(info.peak_rss >= info.rss - 64 * page)
  eq(info.threads, 1)
  eq(info.uss, nil)
  local full = memory.full_info()
  ok(full.uss <= full.rss + 64 * page and full.pss >= full.uss)
  ok(full.private_dirty > 0 and full.rss > 0)
  eq(math.type(full.swap), "integer")
end)

test("fields are those that the library lists, and each is annotated", function()
  local declared, class = {}, nil
  for line in io.lines(root .. "/bindings/lua/meta/memory.d.lua") do
    class = line:match("^%-%-%-@class ([%w.]+)") or class
    local field, kind, text = line:match("^%-%-%-@field ([%w_]+) (%w+)%? (.*)$")
    if field then declared[class .. "." .. field] = kind .. " " .. text end
  end
  local count = 0
  for group, classes in pairs{process = {"ProcessMemory", "FullMemory"}, system = {"SystemMemory"},
      cgroup = {"CgroupMemory"}, native = {"NativeMemory"}, map = {"Mapping"}} do
    for _, field in ipairs(memory.fields(group)) do
      local wanted = (field.unit == "percent" and "number " or "integer ") .. field.text
      local found
      for _, class_name in ipairs(classes) do found = found or declared[("husk.%s.%s"):format(class_name, field.name)] end
      eq(found, wanted)
      count = count + 1
    end
  end
  ok(count > 100)
  eq(memory.fields("nothing"), nil)
  eq(memory.fields(), nil)
  local known = {}
  for _, field in ipairs(memory.fields("process")) do known[field.name] = true end
  for name in pairs(memory.full_info()) do ok(known[name], name) end
end)

test("percent is of physical memory; an unknown field is an error", function()
  local share = memory.percent("rss")
  ok(share > 0 and share < 100)
  local total = memory.system().total
  ok(math.abs(share - memory.info().rss / total * 100) < 1)
  raises("HUSK_EINVAL", 'there is no field "rsss"', function() memory.percent("rsss") end)
  raises("HUSK_EINVAL", "threads is not in bytes", function() memory.percent("threads") end)
  raises("HUSK_EINVAL", "bad argument #1", function() memory.percent() end)
  raises("HUSK_EINVAL", "bad argument #1", function() memory.percent(5) end)
end)

test("the machine and its control groups", function()
  local system = memory.system()
  eq(system.total, math.tointeger(read("/proc/meminfo"):match("MemTotal: +(%d+) kB")) * 1024)
  ok(system.available <= system.total and system.used <= system.total)
  local there, group = pcall(memory.cgroup)
  if there then
    ok(group.version == 1 or group.version == 2)
    eq(group.path:sub(1, 1), "/")
    ok(group.limit == nil or group.limit > 0)
  else
    eq(group.code, "HUSK_EMISSING")
  end
end)

test("another process, and one that is gone", function()
  local pid = with_child(function(pid)
    local info = memory.info(pid)
    ok(info.rss > 0 and info.rss < memory.info().rss * 10)
    eq(memory.threads(pid)[1].id, pid)
    eq(memory.threads(pid)[1].name, "cat")
    local found = false
    for _, map in ipairs(memory.maps(pid)) do found = found or map.path:find("cat$") ~= nil end
    ok(found)
    local sheet = memory.balance{pid = pid}
    local sum = 0
    for _, row in ipairs(sheet.rows) do sum = sum + row.bytes end
    eq(sum, sheet.rss)
    raises("HUSK_EINVAL", "of this process alone", function() memory.balance{pid = pid, trim = true} end)
    raises("HUSK_EINVAL", "of this process alone", function() memory.balance{pid = pid, heaps = {husk.default}} end)
  end)
  for _, ask in ipairs{memory.info, memory.full_info, memory.maps, memory.threads, memory.cgroup, memory.reset_peak,
      function(gone) return memory.percent("rss", gone) end, function(gone) return memory.balance{pid = gone} end} do
    raises("HUSK_EMISSING", "process " .. pid .. ": there is none", function() ask(pid) end)
  end
  raises("HUSK_ERANGE", "out of range", function() memory.info(0) end)
  raises("HUSK_ERANGE", "out of range", function() memory.info(-1) end)
  raises("HUSK_ERANGE", "out of range", function() memory.info(1 << 40) end)
  raises("HUSK_EINVAL", "bad argument #1 to 'husk.memory.info'", function() memory.info("12") end)
  raises("HUSK_EINVAL", "bad argument #1", function() memory.maps(1.5) end)
end)

test("mappings one by one and grouped", function()
  local maps, groups = memory.maps(), memory.maps(nil, {grouped = true})
  ok(#maps > #groups)
  local sum, group_sum, stack, code, last = 0, 0, nil, nil, math.huge
  for i, map in ipairs(maps) do
    sum = sum + map.rss
    ok(map["end"] > map.start or map.start < 0)
    eq(map.bytes, map["end"] - map.start)
    eq(map.count, 1)
    if map.path == "[stack]" then stack = map end
    if map.kind == "file" and map.permissions == "r-xp" then code = map end
  end
  for _, group in ipairs(groups) do
    group_sum = group_sum + group.rss
    ok(group.rss <= last)
    last = group.rss
  end
  ok(math.abs(sum - group_sum) < 1 << 20)
  ok(math.abs(sum - memory.info().rss) < 1 << 20)
  eq(stack.kind, "stack")
  eq(code.deleted, false)
  ok(code.path:sub(1, 1) == "/" and code.inode > 0)
  local plain = memory.maps(nil, {sizes = false, stacks = false})
  eq(plain[1].rss, nil)
  ok(plain[1].bytes > 0)
  raises("HUSK_EINVAL", "unknown option 'group'; there are grouped, sizes, stacks", function() memory.maps(nil, {group = true}) end)
  raises("HUSK_EINVAL", "option 'grouped': boolean expected, got number", function() memory.maps(nil, {grouped = 1}) end)
  raises("HUSK_EINVAL", "a table of options expected, got boolean", function() memory.maps(nil, true) end)
end)

test("the peak stays until it is reset", function()
  local heap = husk.heap{name = "peak"}
  local list = heap:list{}
  for i = 1, 800 do list[i] = ("x"):rep(30000) end -- 24 MB in texts of the heap
  local peak = memory.info().peak_rss
  heap:close()
  ok(memory.info().peak_rss >= peak - 512 * page) -- the system counts pages in portions, by processor and kind
  memory.reset_peak()
  ok(memory.info().peak_rss < peak - (8 << 20))
end)

test("the native heap, where the C library tells", function()
  local there, native = pcall(memory.native)
  if not there then
    eq(native.code, "HUSK_EMISSING")
    return
  end
  eq(native.taken, native.used + native.free)
  local keep = {}
  for i = 1, 100000 do keep[i] = {} end
  ok(memory.native().used > native.used + 100000 * 48)
  keep = nil
  collectgarbage()
  eq(math.type(memory.trim()), "integer")
end)

-- ---- the balance sheet ----

local function row(sheet, name)
  for _, candidate in ipairs(sheet.rows) do
    if candidate.name == name then return candidate end
  end
  error("no row " .. name)
end

local function check(sheet, ...)
  local sum, taken, live, buffers = 0, 0, 0, 0
  for _, r in ipairs(sheet.rows) do
    sum = sum + r.bytes
    ok(r.bytes >= 0, r.name)
    eq(type(r.note), "string")
  end
  eq(sum, sheet.rss)
  for _, heap in ipairs{...} do
    local figures = heap:figures()
    taken, live, buffers = taken + figures.bytes_taken, live + figures.object_bytes, buffers + figures.buffer_bytes
  end
  eq(row(sheet, "live objects").counted + row(sheet, "slack").counted, live)
  eq(row(sheet, "buffers").counted, buffers)
  eq(sheet.live, live + buffers)
end

test("rows add up to the resident memory and agree with the heap", function()
  local list = husk.list{}
  for i = 1, 20000 do list[i] = husk.box(i) end
  local sheet = memory.balance()
  check(sheet, husk.default)
  ok(tostring(sheet):find("husk    live objects", 1, true) and tostring(sheet):find("\nVerdict: ", 1, true))
  ok(sheet.objects >= 20001 and #sheet.evidence > 10)
  local other = husk.heap{name = "other"}
  local there = other:list{}
  for i = 1, 20000 do there[i] = other:box(i) end
  check(memory.balance{heaps = {husk.default, other}}, husk.default, other)
  check(memory.balance{heaps = {other}}, other)
  ok(row(memory.balance{heaps = {}}, "other heaps").bytes > 1 << 20)
  raises("HUSK_EINVAL", "heap other is given twice", function() memory.balance{heaps = {other, other}} end)
  other:close()
  raises(nil, "closed", function() memory.balance{heaps = {other}} end)
  raises("HUSK_EINVAL", "number 2 is string", function() memory.balance{heaps = {husk.default, "x"}} end)
  raises("HUSK_EINVAL", "an earlier sheet expected", function() memory.balance{before = {}} end)
  raises("HUSK_EINVAL", "unknown option 'heap'", function() memory.balance{heap = husk.default} end)
end)

test("growth, retention and fragmentation are told apart", function()
  if not pcall(memory.native) then
    print("# skipped: the allocator in use (a sanitizer's) keeps what is freed, and so much that little else counts")
    return
  end
  local heap = husk.heap{name = "verdicts"}
  local before = memory.balance{heaps = {heap}}
  local keep = heap:list{}
  for i = 1, 200000 do keep[i] = heap:list{} end
  local grown = memory.balance{heaps = {heap}, before = before}
  eq(grown.verdict, "leak")
  eq(grown.objects - grown.objects_before, 200001)
  ok(grown.live_before == 0 and grown.milliseconds >= 0)
  ok(grown.evidence:find("(200001 objects more)", 1, true))
  -- One in fifty stays.
  for i = 1, 200000 do
    if i % 50 ~= 0 then keep[i] = nil end
  end
  collectgarbage()
  collectgarbage()
  pcall(memory.trim) -- what Lua has freed is not at issue
  local thin = memory.balance{heaps = {heap}, trim = true}
  eq(thin.verdict, "fragmentation")
  ok(thin.pages_sparse > thin.pages // 2 and thin.trimmed_heaps < 1 << 20)
  husk.release(keep)
  local held = memory.balance{heaps = {heap}}
  if held.verdict ~= "retention" then print("# " .. tostring(held):gsub("\n", "\n# ")) end
  eq(held.verdict, "retention")
  local trimmed = memory.balance{heaps = {heap}, trim = true}
  eq(trimmed.verdict, "retention")
  ok(trimmed.trimmed_heaps > 6 << 20, trimmed.trimmed_heaps)
  ok(trimmed.rss_trimmed < trimmed.rss - (6 << 20))
  local after = memory.balance{heaps = {heap}, before = trimmed}
  ok(after.verdict ~= "leak" and row(after, "spare pages").bytes == 0)
  heap:close()
end)

-- ---- a heap by size class and by type ----

test("types and classes are counted exactly", function()
  local heap = husk.heap{name = "counted"}
  local Node = husk.type("Node", {"value"})
  local hold = {}
  for i = 1, 300 do hold[i] = i % 3 == 0 and heap:list{} or Node({value = i}, heap) end
  local by = {}
  local count, bytes = 0, 0
  for _, t in ipairs(heap:types()) do
    by[t.type] = t.count
    count, bytes = count + t.count, bytes + t.bytes
  end
  eq(by.Node, 200)
  eq(by.list, 100)
  local figures = heap:figures()
  eq(count, figures.objects)
  eq(bytes, figures.object_bytes)
  local classes, used = heap:classes(), 0
  for _, class in ipairs(classes) do
    used = used + class.used_bytes
    ok(class.asked_bytes <= class.used_bytes and class.used_bytes <= class.held_bytes)
    eq(class.pages * 65536, class.held_bytes)
  end
  eq(used, figures.object_bytes)
  ok(tostring(classes):find("Objects: 300 in " .. figures.object_bytes .. " bytes", 1, true))
  heap:close()
  raises(nil, "closed", function() heap:types() end)
  raises(nil, "closed", function() heap:classes() end)
  eq(type(husk.types()), "table")
  eq(type(husk.classes().text), "string")
end)

test("asking leaves no memory behind", function()
  local function ask()
    memory.info() memory.full_info() memory.system() memory.maps() memory.threads()
    memory.balance() husk.classes() husk.types()
    collectgarbage()
    collectgarbage()
  end
  ask()
  local before = require("husk.core").lib.memory_held()
  for _ = 1, 20 do ask() end
  eq(require("husk.core").lib.memory_held(), before)
end)

tap.done()
