-- lua5.4 snapshot.lua: snapshots from scripts: what is in them, files, statistics, comparisons, filters, exports; closed
-- handles, wrong arguments, writers that fail.
local husk = require "husk"
local tap = require "tap"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises

local snapshot, trace = husk.snapshot, husk.trace
local Node = husk.type("ShotNode", {"value", "next"})
local scratch = os.tmpname()

-- n nodes on the list, without handles.
local function fill(heap, list, n)
  for i = 1, n do
    local made = heap:new(Node, {value = i})
    list:append(made)
    made:release()
  end
end

local function line() return debug.getinfo(2, "l").currentline end

-- A heap with n nodes on a list, traced if `frames` says so; body gets heap, list. The heap is closed afterwards.
local function with_heap(frames, n, body)
  local heap = husk.heap{name = "shot"}
  local closes <close> = setmetatable({}, {__close = function() heap:close() end})
  if frames then trace(heap).start(frames) end
  local list = heap:list{}
  fill(heap, list, n)
  body(heap, list)
end

-- ---- what is in it ----

test("a snapshot has the objects, their references, and where they were made", function()
  with_heap(5, 3, function(heap, list)
    list[4] = "a text"
    local s <close> = snapshot.take{heap = heap}
    local counts = s:counts()
    eq(counts.objects, 5)
    eq(counts.edges, 4)
    eq(counts.buffers, 1)
    ok(counts.traced >= 6 and counts.bytes > 0 and counts.stacks > 0)
    eq(tostring(s), "snapshot of heap 'shot', 5 objects")
    local number = s:find(list)
    local node = s:node(number)
    eq(node.type, "list")
    eq(node.number, number)
    eq(node.size, husk.size(list))
    eq(node.edges, 4)
    eq(node.hidden, 1) -- the handle
    eq(node.tracked, true)
    eq(s:find(node.address), number)
    eq(s:find(0), nil)
    eq(s:find(-1), nil)
    local seen = {}
    for to, _, kind, index in s:edges(number) do
      eq(index, #seen + 1)
      eq(kind, "strong")
      seen[index] = s:node(to).type
    end
    eq(table.concat(seen, " "), "ShotNode ShotNode ShotNode text")
    local place = s:traceback(node.stack)
    eq(place[1].file, debug.getinfo(1, "S").source:sub(2))
    ok(tostring(place):find("in with_heap\n", 1, true))
    eq(s:traceback(0), nil)
    eq(s:traceback(1 << 40), nil)
    local total = 0
    for i, one in s:nodes() do
      eq(one.number, i)
      total = total + 1
    end
    eq(total, 5)
    eq(s:node(6), nil)
    eq(s:node(1 << 50), nil)
    eq(s:node(0), nil)
  end)
end)

test("fields have names, weak references and hidden ones are told", function()
  with_heap(nil, 1, function(heap, list)
    local a, b = heap:new(Node, {value = 1}), heap:new(Node, {value = 2})
    a.next = b
    local weak = husk.weak(b)
    local s <close> = snapshot.take{heap = heap}
    local names = {}
    for to, name, kind, index in s:edges(s:find(a)) do
      names[#names + 1] = name
      eq(to, s:find(b))
      eq(kind, "strong")
      eq(index, nil)
    end
    eq(table.concat(names, " "), "next")
    for _, _, kind in s:edges(s:find(weak)) do eq(kind, "weak") end
    eq(s:node(s:find(b)).weakly, true)
    eq(s:node(s:find(b)).stack, 0)
    eq(s:counts().traced, 0)
    local gone = heap:list{}
    gone:release()
    raises("HUSK_ESTATE", "released", function() s:find(gone) end)
    ok(list)
  end)
end)

test("it is frozen: what happens later is not in it", function()
  with_heap(1, 10, function(heap, list)
    local s <close> = snapshot.take{heap = heap}
    local before = s:statistics("type")[1].count
    list:clear()
    heap:collect()
    eq(s:statistics("type")[1].count, before)
    heap:close()
    eq(s:statistics("type")[1].count, before)
    eq(#s:statistics("line"), 3)
  end)
end)

test("options leave things out", function()
  with_heap(nil, 100, function(heap)
    local s <close> = snapshot.take{heap = heap, edges = false, process = false}
    eq(s:counts().edges, 0)
    eq(s:number("process", "rss"), nil)
    eq(s:number("heap", "objects"), 101)
    raises("HUSK_ELIMIT", "bytes", function() snapshot.take{heap = heap, max_bytes = 100} end)
    local small <close> = snapshot.take{heap = heap, process = false, max_bytes = s:counts().bytes + 2000}
    ok(small:counts().bytes <= s:counts().bytes + 2000)
    eq(small:text("edges"), "left out")
  end)
  trace.process.start()
  trace.block(4096, 123)
  local s <close> = snapshot.take{heap = false}
  eq(s:counts().blocks, 1)
  eq(tostring(s), "snapshot of 1 blocks")
  eq(s:statistics("kind")[1].name, "(block)")
  local none <close> = snapshot.take{blocks = false}
  eq(none:counts().blocks, 0)
  trace.process.stop()
end)

test("texts and numbers", function()
  local s <close> = snapshot.take()
  eq(s:text("heap"), "default")
  ok(s:text("time"):find("^%d+%-%d+%-%d+T"))
  eq(s:text("nothing"), nil)
  s:note("build", "42")
  s:note("build", "43")
  eq(s:text("build"), "43")
  local texts = {}
  for i, pair in ipairs(s:texts()) do texts[pair[1]], texts[i] = pair[2], pair[1] end
  eq(texts.build, "43")
  eq(texts.heap, "default")
  eq(texts[#texts], "build")
  ok(s:number("process", "rss") > 0)
  eq(s:number("process", "nothing"), nil)
  local figures = {}
  for _, figure in ipairs(s:figures()) do figures[figure.group .. "/" .. figure.name] = figure.value end
  eq(figures["heap/objects"], s:number("heap", "objects"))
  ok(figures["process/rss"])
  raises("HUSK_EINVAL", "needs a name", function() s:note("", "x") end)
  raises("HUSK_EINVAL", "the key is a string", function() s:note(nil, "x") end)
  raises("HUSK_EINVAL", "the text is a string", function() s:note("x", 3) end)
  raises("HUSK_EINVAL", "NUL bytes", function() s:text("a\0b") end)
  raises("HUSK_EINVAL", "the group", function() s:number(1, "x") end)
end)

test("not inside a hook of the heap", function()
  local caught
  local Ending = husk.type("ShotEnding", {"x"}, {finalize = function()
    caught = select(2, pcall(snapshot.take))
  end})
  Ending{}:release()
  eq(caught and caught.code, "HUSK_EBUSY")
end)

-- ---- files ----

test("saved and loaded it is the same", function()
  with_heap(3, 20, function(heap)
    local s <close> = snapshot.take{heap = heap}
    s:note("why", "test")
    s:save(scratch)
    local t <close> = snapshot.load(scratch)
    eq(t:text("why"), "test")
    eq(tostring(t:statistics("traceback")), tostring(s:statistics("traceback")))
    eq(tostring(t:statistics("type")), tostring(s:statistics("type")))
    eq(t:counts().objects, s:counts().objects)
    t:save(scratch) -- over the file that it is read from
    eq(#t:statistics("line"), #s:statistics("line"))
    t:note("and", "more")
    eq(t:text("and"), "more")
  end)
end)

test("files that are none", function()
  raises("HUSK_EIO", "/nowhere/x", function() snapshot.load("/nowhere/x") end)
  raises("HUSK_EIO", "/tmp", function() snapshot.load("/tmp") end)
  local file = io.open(scratch, "wb")
  file:close()
  raises("HUSK_EFORMAT", scratch, function() snapshot.load(scratch) end)
  file = io.open(scratch, "wb")
  file:write(("no snapshot at all\n"):rep(1000))
  file:close()
  raises("HUSK_EFORMAT", scratch, function() snapshot.load(scratch) end)
  local s <close> = snapshot.take()
  s:save(scratch)
  local text = io.open(scratch, "rb"):read("a")
  for _, size in ipairs{1, 7, 64, #text // 2, #text - 1} do
    file = io.open(scratch, "wb")
    file:write(text:sub(1, size))
    file:close()
    raises("HUSK_EFORMAT", "", function() snapshot.load(scratch) end)
  end
  file = io.open(scratch, "wb")
  file:write(text:sub(1, #text // 2), "x", text:sub(#text // 2 + 2))
  file:close()
  raises("HUSK_EFORMAT", "", function() snapshot.load(scratch) end)
  raises("HUSK_EIO", "/nowhere/x", function() s:save("/nowhere/x") end)
  raises("HUSK_EIO", "", function() s:save("/tmp") end)
  raises("HUSK_EINVAL", "the path is a string", function() s:save() end)
  raises("HUSK_EINVAL", "the path is a string", function() snapshot.load({}) end)
  raises("HUSK_EINVAL", "NUL bytes", function() snapshot.load("a\0b") end)
end)

test("a child of the process takes and saves one", function()
  with_heap(2, 50, function(heap)
    local child = snapshot.fork(scratch, {heap = heap})
    child:wait()
    child:wait()
    local s <close> = snapshot.load(scratch)
    eq(s:counts().objects, 51)
    raises("HUSK_EIO", "/nowhere/x", function() snapshot.fork("/nowhere/x", {heap = heap}):wait() end)
    snapshot.fork(scratch, {heap = heap}) -- nobody waits: the collector does
    collectgarbage()
    do local _ <close> = snapshot.fork(scratch, {heap = heap}) end
    raises("HUSK_EINVAL", "unknown option 'maximum'", function() snapshot.fork(scratch, {maximum = 3}) end)
    raises("HUSK_EINVAL", "the path", function() snapshot.fork() end)
  end)
end)

-- ---- statistics ----

local function build(heap, n)
  local list = heap:list{}
  for i = 1, n do
    local made = heap:new(Node, {value = i})
    list:append(made)
    made:release()
  end
  return list
end
local built_at = line() - 6

test("rows are tables that print as tracemalloc does", function()
  with_heap(4, 0, function(heap)
    local kept = build(heap, 10)
    local s <close> = snapshot.take{heap = heap}
    local stats = s:statistics("line", {filter = "type=ShotNode"})
    eq(#stats, 1)
    local row = stats[1]
    local size = husk.size(kept[1])
    eq(row.size, 10 * size)
    eq(row.count, 10)
    eq(row.line, built_at)
    eq(row.name, debug.getinfo(1, "S").source:sub(2))
    eq(row.key, row.name .. ":" .. row.line)
    eq(tostring(row), ("%s: size=%d B, count=10, average=%d B"):format(row.key, 10 * size, size))
    eq(row.text, tostring(row))
    eq(row.size_diff, nil)
    eq(row.born, nil)
    eq(stats[2], nil)
    eq(stats[0], nil)
    eq(stats[-1], nil)
    eq(stats.nothing, nil)
    eq(tostring(stats), row.text .. "\n" .. stats:total().text)
    eq(stats:total().count, 10)
    eq(stats:rest(), nil)
    eq(stats:count(), 1)
    eq(stats:by(), "line")
    eq(select(2, stats:by()), false)
    local seen = 0
    for i, one in ipairs(stats) do seen = seen + i * one.count end
    eq(seen, 10)
    eq(#row.frames, 1)
    eq(row.frames[1].line, built_at)
    eq(rawget(stats[1], "frames"), nil)
    eq(stats:total().frames, nil)
  end)
end)

test("every grouping and every sort", function()
  with_heap(4, 5, function(heap)
    trace(heap).tag("t", function() heap:list{1} end)
    local s <close> = snapshot.take{heap = heap}
    local groups, sorts = snapshot.groups(), snapshot.sorts()
    eq(table.concat(sorts, " "), "size count born temporary peak")
    eq(table.concat(groups, " "), "line file function traceback type tag domain thread class age mark kind")
    for _, by in ipairs(groups) do
      local stats = s:statistics(by)
      ok(#stats > 0 and stats:by() == by and stats[1].key ~= "", by)
      for _, sort in ipairs(sorts) do
        local fine = pcall(s.statistics, s, by, {sort = sort})
        ok(fine or sort == "born" or sort == "temporary" or sort == "peak", by .. " " .. sort)
      end
    end
    ok(s:statistics("function")[1]["function"])
    ok(s:statistics("line", {records = true})[1].born > 0)
    raises("HUSK_EINVAL", "line, file", function() s:statistics("colour") end)
    raises("HUSK_EINVAL", "size", function() s:statistics("line", {sort = "beauty"}) end)
    raises("HUSK_EINVAL", "what to group by", function() s:statistics(3) end)
    raises("HUSK_EINVAL", "unknown option 'limit'", function() s:statistics("line", {limit = 3}) end)
    raises("HUSK_EINVAL", "unknown option 'old_filter'", function() s:statistics("line", {old_filter = "all"}) end)
    raises("HUSK_EINVAL", "top is an integer", function() s:statistics("line", {top = -1}) end)
    raises("HUSK_EINVAL", "top is an integer", function() s:statistics("line", {top = 1.5}) end)
    raises("HUSK_EINVAL", "table of options expected", function() s:statistics("line", 3) end)
  end)
end)

test("top cuts rows off and says what is left", function()
  with_heap(4, 3, function(heap, list)
    list:append("a")
    local s <close> = snapshot.take{heap = heap}
    local all = s:statistics("type", {untraced = true})
    local stats = s:statistics("type", {top = 1, untraced = true})
    eq(#stats, 1)
    eq(stats[2], nil)
    eq(stats:count(), all:count())
    ok(stats:rest().text:find("other: size="))
    eq(stats:rest().size + stats[1].size, stats:total().size)
    eq(all:rest(2).size, stats:rest().size)
    eq(all:rest(1).size, all:total().size)
    eq(all:rest(#all + 1), nil)
    eq(all:rest(0), nil)
    eq(all:rest(), nil)
    raises("HUSK_EINVAL", "number of a row", function() all:rest("2") end)
    eq(select(2, tostring(stats):gsub("\n", "")), 2)
    eq(#s:statistics("type", {top = 0}), 0)
    eq(s:statistics("type", {top = 1000}):rest(), nil)
  end)
end)

local function recurse(heap, n)
  if n == 0 then return heap:list{} end
  local x = recurse(heap, n - 1)
  return x
end

test("cumulative counts recursion once; tracebacks are cut and say so", function()
  with_heap(6, 0, function(heap)
    local kept = recurse(heap, 3)
    local s <close> = snapshot.take{heap = heap}
    local name = "recurse"
    local once = s:statistics("function", {cumulative = true, filter = "function=recurse"})
    for _, row in ipairs(once) do
      if row["function"] == name then eq(row.size, husk.size(kept)) end
    end
    for _, row in ipairs(s:statistics("function", {each_frame = true, filter = "function=recurse"})) do
      if row["function"] == name then eq(row.size, 4 * husk.size(kept)) end
    end
    raises("HUSK_EINVAL", "", function() s:statistics("type", {cumulative = true}) end)
    local deep <close> = recurse(heap, 50)
    local t <close> = snapshot.take{heap = heap}
    local place = t:traceback(t:node(t:find(deep)).stack)
    eq(#place, 6)
    ok(place.total > 50)
    local stats = t:statistics("traceback")
    local text = stats:traceback(1, nil, {source = true})
    ok(text:find('^  File ".-snapshot.lua", line %d+\n    '), text)
    ok(#stats[1].frames > 1 and stats[1].frames[1].line > 0)
    local newest, oldest = stats:traceback(1, 1), stats:traceback(1, -1)
    eq(select(2, newest:gsub("\n", "")), 1)
    ok(newest ~= oldest)
    ok(stats:traceback(1, 0, {newest_first = true, functions = true}):find(", in "))
    eq(stats:traceback(100), "")
    raises("HUSK_EINVAL", "number of a row", function() stats:traceback() end)
    raises("HUSK_EINVAL", "number of a row", function() stats:traceback("x") end)
    raises("HUSK_EINVAL", "limit is an integer", function() stats:traceback(1, "1") end)
    raises("HUSK_EINVAL", "unknown option 'limit'", function() stats:traceback(1, 1, {limit = 1}) end)
  end)
end)

-- ---- filters ----

test("filters: texts, tables, lists, views", function()
  with_heap(4, 5, function(heap, list)
    list:append("text")
    trace(heap).tag("cache", function() build(heap, 2):release() end)
    local s <close> = snapshot.take{heap = heap}
    local function count(filter) return s:statistics("type", {filter = filter}):total().count end
    eq(count("type=ShotNode"), 5)
    eq(count{type = "ShotNode"}, 5)
    eq(count{"type=ShotNode", "type=text"}, 6)
    eq(count{{type = "ShotNode"}, {type = "text", exclude = true}}, 5)
    eq(count{file = "*snapshot.lua", all = true, kind = "object"}, 7)
    eq(count{kind = "buffer"}, 1)
    eq(count{min = 1 << 40}, 0)
    eq(count{line = 0}, 0)
    eq(count{tag = "cache"}, 0)
    eq(count{["function"] = "build"}, 0)
    eq(count{thread = "*", domain = ""}, s:statistics("type"):total().count)
    local view = s:filter("type=ShotNode")
    eq(view:statistics("type"):total().count, 5)
    eq(view:filter{type = "text"}:statistics("type"):total().count, 0)
    eq(view:filter{"type=Sh*", "type=text"}:statistics("type"):total().count, 5)
    eq(s:filter():statistics("type"):total().count, s:statistics("type"):total().count)
    local things = 0
    for i, thing in view:things() do
      things = things + 1
      eq(i, things)
      eq(thing.type, "ShotNode")
      eq(thing.kind, "object")
      eq(thing.weight, 1.0)
      ok(thing.traced and thing.size > 0 and s:find(thing.address))
    end
    eq(things, 5)
  end)
end)

test("wrong filters are refused with the place", function()
  local s <close> = snapshot.take()
  local function try(code, pattern, filter)
    raises(code, pattern, function() s:statistics("type", {filter = filter}) end)
  end
  try("HUSK_EINVAL", "column 8", "type=a,x=3")
  try("HUSK_EINVAL", "", "")
  try("HUSK_EINVAL", "filter is a text or a table, not a number", 3)
  try("HUSK_EINVAL", "filter is a text or a table, not a boolean", {"type=x", true})
  try("HUSK_EINVAL", "filter is a text or a table, not a number", {{"type=x", 3}})
  try("HUSK_EINVAL", "unknown entry 'typo'", {typo = "x"})
  try("HUSK_EINVAL", "type is a string", {type = 3})
  try("HUSK_EINVAL", "line is an integer", {line = "3"})
  try("HUSK_ERANGE", "line", {line = 1 << 40})
  try("HUSK_ERANGE", "min", {min = -1})
  try("HUSK_EINVAL", "kind is object, buffer or block", {kind = "cup"})
  try("HUSK_EMISSING", "nowhere", {since = "nowhere"})
  try("HUSK_EINVAL", "", {exclude = true}) -- nothing is said
  raises("HUSK_EINVAL", "unknown option", function() s:things{by = "line"} end)
end)

-- ---- comparing ----

test("differences: what is new, what is gone, what stayed", function()
  with_heap(4, 0, function(heap)
    local first = build(heap, 10)
    local old <close> = snapshot.take{heap = heap}
    first:clear()
    local second = recurse(heap, 0)
    local new <close> = snapshot.take{heap = heap}
    local stats = new:compare(old, "type")
    local rows = {}
    for _, row in ipairs(stats) do rows[row.name] = row end
    eq(rows.ShotNode.count, 0)
    eq(rows.ShotNode.count_diff, -10)
    eq(rows.list.count_diff, 1)
    eq(rows.list.size_diff, husk.size(second))
    eq(select(2, stats:by()), true)
    ok(tostring(rows.ShotNode):find("count=0 %(%-10%)"))
    eq(stats:total().count_diff, new:statistics("type"):total().count - old:statistics("type"):total().count)
    eq(#new:compare(new, "line", {filter = "type=list"}), #new:statistics("line", {filter = "type=list"}))
    local view = new:compare(old, "type", {filter = "type=list"})
    eq(#view, 1)
    eq(new:compare(old, "type", {filter = "type=list", old_filter = "type=nothing"})[1].count_diff, 3)
    eq(new:filter("type=list"):compare(old:filter("type=nothing"), "type")[1].count_diff, 3)
    eq(new:filter("type=list"):compare(old, "type"):total().count_diff, 3 - old:statistics("type"):total().count)
    raises("HUSK_EINVAL", "old snapshot expected", function() new:compare() end)
    raises("HUSK_EINVAL", "snapshot expected, got string", function() new:compare("old") end)
    raises("HUSK_EINVAL", "not by peak", function() new:compare(old, "line", {sort = "peak"}) end)
    ok(first)
  end)
end)

test("marks: made since and still alive", function()
  with_heap(2, 4, function(heap)
    trace(heap).mark("half")
    local kept = build(heap, 3)
    local s <close> = snapshot.take{heap = heap}
    eq(s:statistics("type", {filter = "type=ShotNode,since=half"}):total().count, 3)
    local marks = {}
    for _, row in ipairs(s:statistics("mark", {filter = "type=ShotNode"})) do marks[row.name] = row.count end
    eq(marks.half, 3)
    ok(kept)
  end)
end)

-- ---- exports ----

test("every form, to a text, a function, a file and a path", function()
  with_heap(3, 10, function(heap)
    local s <close> = snapshot.take{heap = heap}
    local formats = snapshot.formats()
    ok(#formats >= 9)
    for _, format in ipairs(formats) do
      local text = s:export(format.name)
      ok(#text > 0 and #format.about > 0, format.name)
      local pieces = {}
      eq(s:export(format.name, function(piece) pieces[#pieces + 1] = piece end), nil)
      eq(#table.concat(pieces), #text)
      local file = io.open(scratch, "wb")
      s:export(format.name, file)
      file:close()
      eq(#io.open(scratch, "rb"):read("a"), #text)
      s:export(format.name, scratch)
      eq(#io.open(scratch, "rb"):read("a"), #text)
      local path = scratch .. "." .. format.suffix
      if snapshot.guess(path) == format.name then
        s:export(nil, path)
        eq(#io.open(path, "rb"):read("a"), #text)
        os.remove(path)
      end
    end
    ok(s:export("csv", nil, {by = "line", top = 1}):find("snapshot.lua", 1, true))
    ok(s:export("collapsed", nil, {types = true}):find(";ShotNode ", 1, true))
    ok(s:export("html", nil, {title = "a </title> b"}):find("<title>"))
    ok(snapshot.report({s, s}, nil, {names = {"one", "two"}, title = "both"}):find("both"))
  end)
end)

test("exports that cannot be", function()
  local s <close> = snapshot.take()
  raises("HUSK_EMISSING", "", function() s:export("docx") end)
  raises("HUSK_EMISSING", "no form is known", function() s:export(nil, "x.unknown") end)
  raises("HUSK_EINVAL", "a format expected", function() s:export() end)
  raises("HUSK_EINVAL", "a path, a function or an open file", function() s:export("json", 3) end)
  raises("HUSK_EINVAL", "a path, a function or an open file", function() s:export("json", {}) end)
  local closed = io.tmpfile()
  closed:close()
  raises("HUSK_EINVAL", "got closed file", function() s:export("json", closed) end)
  raises("HUSK_EIO", "/nowhere/x", function() s:export("json", "/nowhere/x") end)
  raises("HUSK_EMISSING", "", function() s:export("csv", nil, {by = "colour"}) end)
  raises("HUSK_EINVAL", "unknown option 'depth'", function() s:export("json", nil, {depth = 1}) end)
  raises("HUSK_ERANGE", "top", function() s:export("csv", nil, {top = -1}) end)
  raises("HUSK_EINVAL", "the title", function() s:export("html", nil, {title = {}}) end)
  raises("HUSK_ERANGE", "", function() snapshot.report({}) end)
  raises("HUSK_EINVAL", "a list of snapshots", function() snapshot.report(s) end)
  raises("HUSK_EINVAL", "snapshot expected", function() snapshot.report({s, 3}) end)
  raises("HUSK_EINVAL", "a name is a string", function() snapshot.report({s, s}, nil, {names = {"one"}}) end)
  raises("HUSK_EINVAL", "names is a list", function() snapshot.report({s}, nil, {names = "one"}) end)
end)

test("writers that raise, refuse, yield, close or collect", function()
  with_heap(3, 2000, function(heap)
    local s <close> = snapshot.take{heap = heap}
    local problem = {}
    eq(select(2, pcall(s.export, s, "json", function() error(problem) end)), problem)
    raises("HUSK_EIO", "wants no more", function() s:export("json", function() return false end) end)
    raises("HUSK_EIO", "disk is full", function() s:export("json", function() return nil, "disk is full" end) end)
    raises("HUSK_EBUSY", "being exported", function() s:export("json", function() s:close() end) end)
    raises("HUSK_EBUSY", "being exported", function() s:export("json", function() s:note("a", "b") end) end)
    local co = coroutine.create(function() s:export("json", coroutine.yield) end)
    local fine, err = coroutine.resume(co)
    ok(not fine and tostring(err):find("yield"), tostring(err))
    local calls, inner = 0, nil
    s:export("json", function()
      calls = calls + 1
      if calls == 1 then
        collectgarbage()
        inner = #s:export("json") -- one inside the other
        heap:collect()
      end
    end)
    ok(calls > 1 and inner > 0)
    local all = ""
    s:export("json", function(piece) all = all .. piece return true, "ignored" end)
    eq(#all, inner)
    raises("HUSK_EIO", "", function()
      local file = io.open("/dev/full", "wb")
      file:setvbuf("no")
      s:export("json", file)
    end)
  end)
end)

-- ---- closed handles, and what the collector does to them ----

test("a closed snapshot is dead, and what was made from it with it", function()
  with_heap(2, 5, function(heap)
    local s = snapshot.take{heap = heap}
    local other <close> = snapshot.take{heap = heap}
    local stats, both, view = s:statistics("line"), other:compare(s, "line"), s:filter("type=list")
    local next_thing, list, zero = s:things()
    local nodes, state, first = s:nodes()
    local edges = s:edges(1)
    local row = stats[1]
    eq(s:closed(), false)
    s:close()
    s:close()
    eq(s:closed(), true)
    eq(tostring(s), "snapshot (closed)")
    for name, call in pairs{
      counts = function() s:counts() end, text = function() s:text("heap") end, texts = function() s:texts() end,
      note = function() s:note("a", "b") end, number = function() s:number("heap", "objects") end,
      figures = function() s:figures() end, node = function() s:node(1) end, nodes = function() s:nodes() end,
      find = function() s:find(1) end, edges = function() s:edges(1) end, traceback = function() s:traceback(1) end,
      save = function() s:save(scratch) end, statistics = function() s:statistics() end,
      compare = function() s:compare(other) end, compared = function() other:compare(s) end,
      things = function() s:things() end, export = function() s:export("json") end,
      report = function() snapshot.report({other, s}) end, view = function() view:statistics("type") end,
      node_iterator = function() nodes(state, first) end, edge_iterator = function() edges() end,
    } do
      local err = raises("HUSK_ESTATE", "the snapshot is closed", call)
      ok(name and err.where:find("snapshot.lua"))
    end
    for _, call in ipairs{
      function() return stats[1] end, function() return #stats end, function() return tostring(stats) end,
      function() return stats:total() end, function() return stats:traceback(1) end, function() return row.frames end,
      function() return both[1] end, function() return next_thing(list, zero) end,
    } do raises("HUSK_ESTATE", "closed, or their snapshot is", call) end
    stats:close()
    stats:close()
  end)
end)

test("statistics keep their snapshot; closing them leaves it open", function()
  with_heap(2, 5, function(heap)
    local stats = snapshot.take{heap = heap}:statistics("line")
    collectgarbage()
    ok(#stats > 0)
    local s <close> = snapshot.take{heap = heap}
    do
      local some <close> = s:statistics("line")
      ok(#some > 0)
    end
    ok(#s:statistics("line") > 0)
    for i = 1, 200 do
      local one = s:statistics("type")
      if i % 3 == 0 then one:close() end
    end
    collectgarbage()
  end)
end)

test("the collector runs while it is looked at, and closes what nobody holds", function()
  with_heap(3, 300, function(heap)
    collectgarbage("setpause", 10)
    collectgarbage("setstepmul", 1000)
    local seen = 0
    for _, node in snapshot.take{heap = heap}:nodes() do
      seen = seen + #node.type
      local _ = setmetatable({}, {__gc = function() husk.list{} end})
    end
    ok(seen > 300)
    local s = snapshot.take{heap = heap}
    local closer = setmetatable({}, {__gc = function() s:close() end})
    closer = nil
    local fine, err = pcall(function()
      for _ = 1, 100 do
        for _ in s:nodes() do end
        tostring(s:statistics("traceback"))
        s:texts()
        s:figures()
      end
    end)
    ok(not fine and err.code == "HUSK_ESTATE", tostring(err))
    ok(closer == nil)
    collectgarbage("setpause", 200)
    collectgarbage("setstepmul", 100)
  end)
end)

test("wrong receivers", function()
  local s <close> = snapshot.take()
  for _, name in ipairs{"counts", "texts", "figures", "nodes", "statistics", "things", "close", "save"} do
    raises("HUSK_EINVAL", "", function() s[name](husk.list{}, "line") end)
    raises("HUSK_EINVAL", "", function() s[name](io.stdout, "line") end)
  end
  raises("HUSK_EINVAL", "unknown option 'heaps'", function() snapshot.take{heaps = 1} end)
  raises("HUSK_EINVAL", "heap expected", function() snapshot.take{heap = 1} end)
  raises("HUSK_EINVAL", "table of options", function() snapshot.take(husk.default) end)
  raises("HUSK_EINVAL", "max_bytes", function() snapshot.take{max_bytes = "much"} end)
  raises("HUSK_ERANGE", "max_bytes", function() snapshot.take{max_bytes = -1} end)
  raises("HUSK_ERANGE", "no object number", function() s:edges(1 << 40) end)
  raises("HUSK_EINVAL", "the number", function() s:edges("x") end)
  raises("HUSK_EINVAL", "the number", function() s:node() end)
  raises("HUSK_EINVAL", "the address", function() s:find("x") end)
  raises("HUSK_EINVAL", "the traceback", function() s:traceback({}) end)
  eq(snapshot.size(1536), "1536 B")
  eq(snapshot.size(1 << 20, true), "+1024 KiB")
end)

os.remove(scratch)
tap.done()
