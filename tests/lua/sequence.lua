-- husk.workload's random programs: the library passes them; a planted fault is found, shrunk to the shortest program that has
-- it, as a search through all shorter ones shows, and the printed script fails in the same way without husk.workload.
local husk = require "husk"
local tap = require "tap"
local workload = require "husk.workload"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises

local function text_of(program)
  local words = {}
  for i, step in ipairs(program.steps) do words[i] = program:text(step) end
  return table.concat(words, "; ")
end

-- Runs a script in a Lua of its own: whether it ends well, and what it says.
local function run_script(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
  local pipe = assert(io.popen(("%s %s 2>&1; echo \"exit $?\""):format(arg[-1], path)))
  local said = pipe:read("a")
  pipe:close()
  os.remove(path)
  return said:find("exit 0\n$") ~= nil, said
end

test("the library passes random programs, also with a pass at every allocation", function()
  local plain = workload.explore{runs = 150, length = 200}
  eq(plain, nil)
  eq(workload.explore{runs = 60, length = 120, seed = 1000, registers = 10, heap = {stress = true}}, nil)
end)

test("every operation is done, and most steps of a program are", function()
  local seen, done, all = {}, 0, 0
  for seed = 1, 30 do
    local program = workload.sequence{seed = seed, length = 400}
    eq(#program.steps, 400)
    local fine, failure, list = workload.run(program)
    ok(fine, failure and failure.message)
    for _, number in ipairs(list) do seen[program.steps[number].op] = true end
    done, all = done + #list, all + 400
  end
  for _, op in ipairs(workload.sequence{}.list) do ok(seen[op.name], op.name .. " is never done") end
  ok(done > all * 0.6, done / all)
end)

test("the same seed, the same program, on every machine", function()
  eq(text_of(workload.sequence{seed = 5}), text_of(workload.sequence{seed = 5}))
  ok(text_of(workload.sequence{seed = 5}) ~= text_of(workload.sequence{seed = 6}))
  eq(text_of(workload.sequence{seed = 1, length = 4}), "heap:collect{handles = false}; heap:collect{handles = false}; " ..
    "e = heap:weak_values(); husk.release(e)")
end)

-- ---- planted faults ----

-- Each: the operations, the prelude with the fault, and what makes it right again.
local faults = {
  {
    name = "a second item is held for ever",
    ops = {append = {operands = "x:list y:object", code = "push($x, $y)", weight = 6}},
    prelude = [[
local kept = {}
function push(list, item)
  list:append(item)
  if #list == 2 then kept[1] = heap:list{item} end -- FAULT
end]],
    length = 3, alphabet = {"list", "append", "release", "collect"},
  }, {
    name = "the item taken from a list of two is locked and not released",
    ops = {remove = {operands = "to=object x:list", code = "$to = take($x)", when = "#$x > 0", weight = 6}},
    prelude = [[
function take(list)
  local before = #list
  local item = list:remove()
  if before == 2 then rawset(_G, "forgotten", heap:list{item}) end -- FAULT
  return item
end]],
    length = 4, alphabet = {"list", "append", "remove", "release"},
  }, {
    name = "a lock of a weak reference that is forgotten while the object is in a field",
    ops = {lock = {operands = "to=object x:weak", code = "$to = lock($x)", weight = 6}},
    prelude = [[
function lock(weak)
  local object = weak:get()
  if object and husk.getrefcount(object) > 1 then husk.default = heap:list{object} end -- FAULT
  return object
end]],
    length = 4, alphabet = {"map", "store", "weak", "lock"}, registers = 3,
  },
}

-- All programs of fewer steps with some operations and few registers, which come up in their order; operands that are no
-- registers are always the first.
local function shorter_ones(program, names, length, registers, visit)
  local alphabet = {}
  for _, name in ipairs(names) do
    local list = {{op = name}}
    for _, operand in ipairs(program.operations[name].operands) do
      local more = {}
      for _, step in ipairs(list) do
        for value = 1, operand.words and 1 or registers do
          local copy = {}
          for key, v in pairs(step) do copy[key] = v end
          copy[operand.name] = value
          more[#more + 1] = copy
        end
      end
      list = more
    end
    table.move(list, 1, #list, #alphabet + 1, alphabet)
  end
  local tried = 0
  local function go(steps, used)
    tried = tried + 1
    visit(program:with(table.move(steps, 1, #steps, 1, {})))
    if #steps + 1 >= length then return end
    for _, step in ipairs(alphabet) do
      local now, in_order = used, true
      for _, operand in ipairs(program.operations[step.op].operands) do
        local number = operand.kind and step[operand.name] or 0
        in_order = in_order and number <= now + 1
        now = math.max(now, number)
      end
      if in_order then
        steps[#steps + 1] = step
        go(steps, now)
        steps[#steps] = nil
      end
    end
  end
  go({}, 0)
  return tried
end

for _, fault in ipairs(faults) do
  test("a fault: " .. fault.name, function()
    local default = husk.default
    local function tidy() husk.default, _G.forgotten = default, nil end
    local script, failure, small = workload.explore{ops = fault.ops, prelude = fault.prelude, length = 200}
    tidy()
    ok(script, "not found")
    eq(#small.steps, fault.length)
    ok(failure.message:find("^%d+ objects? %a+ left$"), failure.message)

    -- No shorter program fails, over these operations; the shrunk one is one of them, one step longer.
    local tried = shorter_ones(small, fault.alphabet, fault.length, fault.registers or 2, function(program)
      local fine = workload.run(program)
      tidy()
      ok(fine, "a shorter one fails: " .. text_of(program))
    end)
    ok(tried > 20, tried)
    for _, step in ipairs(small.steps) do
      ok(table.concat(fault.alphabet, " "):find(step.op, 1, true), step.op)
      for _, name in ipairs{"x", "y", "to"} do ok((step[name] or 1) <= (fault.registers or 2), name) end
    end

    -- The script by itself.
    ok(not script:find("husk.workload\"", 1, true))
    local fine, said = run_script(script)
    ok(not fine, "the script does not fail:\n" .. script)
    ok(said:find(failure.message, 1, true), said)
    local right, count = script:gsub("\n[^\n]*%-%- FAULT", "\n")
    eq(count, 1)
    fine, said = run_script(right)
    ok(fine, said)
  end)
end

test("a check that fails in the middle: the script stops at that step with that message", function()
  local script, failure, small = workload.explore{
    check = "if heap:census().map == 2 then error('two maps') end", length = 100,
  }
  eq(failure.message, "two maps")
  eq(text_of(small), "a = heap:map{}; b = heap:map{}")
  eq(failure.step, 2)
  eq(failure.text, "b = heap:map{}")
  ok(not script:find("objects are left", 1, true))
  local fine, said = run_script(script)
  ok(not fine and said:find("two maps", 1, true), said)
end)

test("an error that an operation raises; a heap with options", function()
  local script, failure, small = workload.explore{
    ops = {wrong = {operands = "x:list y:object", code = "$x[9] = $y"}}, heap = {max_bytes = 1 << 24},
  }
  eq(failure.message, "list[9] = v: the list has 0 items; the next one is number 1")
  eq(text_of(small), "a = heap:list{}; a[9] = a")
  ok(script:find('husk.heap{name = "sequence", max_bytes = 16777216}', 1, true), script)
  local fine, said = run_script(script)
  ok(not fine and said:find(failure.message, 1, true), said)
end)

test("a function as check; it cannot be printed", function()
  local program = workload.sequence{length = 60}
  local calls = 0
  local fine, failure, done = workload.run(program, function(env)
    calls = calls + 1
    env.heap:verify()
  end)
  ok(fine, failure)
  eq(calls, #done + 1)
  program.check = function() end
  raises("HUSK_EINVAL", "the check is a function", function() workload.tolua(program) end)
end)

test("a program that does not fail is printed whole and runs", function()
  local fine, said = run_script(workload.tolua(workload.sequence{seed = 3, length = 300}))
  ok(fine, said)
end)

-- ---- shrinking by itself ----

test("shrinking: exactly what is asked for is left, whatever else is there", function()
  local program = workload.sequence{seed = 11, length = 300}
  local function count(p, name)
    local n = 0
    for _, step in ipairs(p.steps) do n = n + (step.op == name and 1 or 0) end
    return n
  end
  local calls = 0
  local small = workload.shrink(program, function(p)
    calls = calls + 1
    return count(p, "collect") >= 3 and count(p, "list") >= 2 and count(p, "release") >= 1
  end)
  eq(#small.steps, 6)
  eq(small.runs, calls - 1) -- the first is to see that it fails
  ok(calls < 1500, calls)
  -- Operands are the first ones, where it does not matter.
  for _, step in ipairs(small.steps) do eq((step.to or 1) * (step.x or 1), 1) end
end)

test("shrinking: an order that matters, and steps that are needed in pairs", function()
  local program = workload.sequence{seed = 12, length = 250}
  local function fails(p) -- two of a kind, or none: single steps cannot be left out
    local weak, first = 0, nil
    for _, step in ipairs(p.steps) do
      if step.op == "weak" then weak = weak + 1 end
      first = first or step.op
    end
    return weak > 0 and weak % 2 == 0
  end
  while not fails(program) do table.remove(program.steps) end
  eq(text_of(workload.shrink(program, fails)):gsub("%l = husk.weak.ref%(%l%)", "W"), "W; W")
  -- All of an empty program's faults.
  eq(#workload.shrink(program, function() return true end).steps, 0)
end)

test("a program that ends the process is shrunk by running it in another one", function()
  local program = workload.sequence{
    seed = 4, length = 60, prelude = "function push(list, item) list:append(item) if #list == 2 then os.exit(77, true) end end",
    ops = {append = {operands = "x:list y:object", code = "push($x, $y)", weight = 12}, insert = 0},
  }
  local function ends(p) return select(2, run_script(workload.tolua(p, {run = false}))):find("exit 77\n$") ~= nil end
  local small = workload.shrink(program, ends)
  eq(text_of(small), "a = heap:list{}; push(a, a); push(a, a)")
  ok(ends(small))
  -- The guards: a full register, a condition that does not hold, a dead operand; what is left is one list.
  local guards = workload.sequence{}:with{
    {op = "list", to = 1}, {op = "list", to = 1}, {op = "item", to = 2, x = 1, i = 3}, {op = "release", x = 3},
    {op = "get", to = 2, x = 3, f = 1},
  }
  guards.check = "assert(#heap:objects() == 1)"
  local script = workload.tolua(guards, {run = false}):gsub("\nfor _, held.*$", "")
  local fine, said = run_script(script)
  ok(fine, said)
end)

test("what cannot be done is said", function()
  raises("HUSK_EINVAL", "the program does not fail", function() workload.shrink(workload.sequence{length = 5}) end)
  raises("HUSK_EINVAL", "the program does not fail", function() workload.shrink(workload.sequence{}, function() end) end)
  raises("HUSK_EINVAL", "sequence: unknown option 'size'", function() workload.sequence{size = 1} end)
  raises("HUSK_EINVAL", "option 'length': number expected, got string", function() workload.sequence{length = "x"} end)
  raises("HUSK_EINVAL", "option 'registers': 13 is not from 1 to 12", function() workload.sequence{registers = 13} end)
  raises("HUSK_EINVAL", "ops: 'fly' is no operation", function() workload.sequence{ops = {fly = 1}} end)
  raises("HUSK_EINVAL", "operation 'fly': 'x:bird' is no operand", function()
    workload.sequence{ops = {fly = {operands = "x:bird", code = "$x()"}}}
  end)
  raises("HUSK_EINVAL", "no operation is left", function() workload.sequence{ops = {only = true}} end)
  raises("HUSK_EINVAL", "check:1:", function() workload.run(workload.sequence{}, "heap:verify(") end)
end)

tap.done()
