-- husk.shrink: failing programs of husk.sequence made small, for husk.workload. First steps are left out by delta debugging
-- (A. Zeller, R. Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002), then operands and registers become
-- the first ones that still fail, both in turn until neither finds anything; a short rest is searched through.

local core = require "husk.core"
local husk_sequence = require "husk.sequence"

local shrink = {}

local EXHAUSTIVE = 10 -- so many steps have 1024 parts

-- The message with all numbers alike: the same fault with fewer objects has other ones.
local function kind_of(message) return (message:gsub("0x%x+", "0"):gsub("%d+", "0")) end

-- The programs that were tried are remembered by their text.
local function tester(fails)
  local known, runs = {}, 0
  return function(program)
    local words = {}
    for i, step in ipairs(program.steps) do words[i] = program:text(step) end
    local key = table.concat(words, "\n")
    if known[key] == nil then
      runs = runs + 1
      known[key] = not not fails(program)
    end
    return known[key]
  end, function() return runs end
end

local function without(steps, first, last)
  local rest = table.move(steps, 1, first - 1, 1, {})
  return table.move(steps, last + 1, #steps, #rest + 1, rest)
end

-- ddmin, with the complements alone: what a part by itself would find they find too, as the parts grow smaller. At the end
-- no single step can be left out.
local function cut(program, fails)
  local parts = 2
  while #program.steps > 0 do
    local count, found = #program.steps, nil
    parts = math.min(parts, count)
    for part = parts - 1, 0, -1 do -- later steps lean on earlier ones: they go first
      local first, last = count * part // parts + 1, count * (part + 1) // parts
      local smaller = program:with(without(program.steps, first, last))
      if fails(smaller) then
        found = smaller
        break
      end
    end
    if found then
      program, parts = found, math.max(parts - 1, 2)
    elseif parts == count then
      break
    else
      parts = parts * 2
    end
  end
  return program
end

local function copied(steps)
  local list = {}
  for i, step in ipairs(steps) do
    list[i] = {}
    for key, value in pairs(step) do list[i][key] = value end
  end
  return list
end

-- One register in the place of another, in all steps.
local function merge_registers(program, fails)
  for from = program.registers, 2, -1 do
    for to = 1, from - 1 do
      local steps, changed = copied(program.steps), false
      for _, step in ipairs(steps) do
        for _, operand in ipairs(program.operations[step.op].operands) do
          if operand.kind and step[operand.name] == from then
            step[operand.name], changed = to, true
          end
        end
      end
      if not changed then break end
      local simpler = program:with(steps)
      if fails(simpler) then
        program = simpler
        break
      end
    end
  end
  return program
end

-- Another register for one operand, if a step that nobody needs then can be left out: b[1] = a, b[1] = b.
local function redirect(program, fails)
  for i = 1, #program.steps <= EXHAUSTIVE and #program.steps or 0 do
    for _, operand in ipairs(program.operations[program.steps[i].op].operands) do
      for number = 1, operand.kind and not operand.to and program.registers or 0 do
        if number ~= program.steps[i][operand.name] then
          local steps = copied(program.steps)
          steps[i][operand.name] = number
          local other = program:with(steps)
          local shorter = fails(other) and cut(other, fails)
          if shorter and #shorter.steps < #steps then return shorter end
        end
      end
    end
  end
  return program
end

-- Registers in the order in which they come up.
local function order_registers(program, fails)
  local steps, names, count = copied(program.steps), {}, 0
  for _, step in ipairs(steps) do
    for _, operand in ipairs(program.operations[step.op].operands) do
      if operand.kind then
        local old = step[operand.name]
        if not names[old] then
          count = count + 1
          names[old] = count
        end
        step[operand.name] = names[old]
      end
    end
  end
  local simpler = program:with(steps)
  return fails(simpler) and simpler or program
end

-- Each operation by an earlier one of the list with the same operands, and each operand by smaller numbers.
local function simplify_steps(program, fails)
  local function try(i, change)
    local steps = copied(program.steps)
    change(steps[i])
    local simpler = program:with(steps)
    if not fails(simpler) then return false end
    program = simpler
    return true
  end
  for i = 1, #program.steps do
    for _, op in ipairs(program.list) do
      if op.name == program.steps[i].op then break end
      if op.spec == program.operations[program.steps[i].op].spec and try(i, function(step) step.op = op.name end) then
        break
      end
    end
    for _, operand in ipairs(program.operations[program.steps[i].op].operands) do
      for number = 1, program.steps[i][operand.name] - 1 do
        if try(i, function(step) step[operand.name] = number end) then break end
      end
    end
  end
  return program
end

-- The parts of a short program, fewest steps first.
local function search(program, fails)
  local count = #program.steps
  if count > EXHAUSTIVE then return program end
  local by_size = {}
  for size = 0, count - 1 do by_size[size] = {} end
  for set = 0, (1 << count) - 2 do
    local steps = {}
    for i = 1, count do
      if set >> (i - 1) & 1 == 1 then steps[#steps + 1] = program.steps[i] end
    end
    table.insert(by_size[#steps], steps)
  end
  for size = 0, count - 1 do
    for _, steps in ipairs(by_size[size]) do
      local smaller = program:with(steps)
      if fails(smaller) then return smaller end
    end
  end
  return program
end

-- husk.workload.shrink(sequence, fails): the failing program without what the failure does not need. fails(program) tells
-- whether a smaller one fails too; by default whether husk.workload.run says the same of it, but for numbers. In the result
-- no step can be left out; what is left of 10 steps or fewer has no part that fails. `runs` is how many programs were tried.
function shrink.shrink(program, fails)
  if not fails then
    local ok, failure = husk_sequence.run(program)
    if ok then core.fail("husk.workload.shrink: the program does not fail") end
    local wanted = kind_of(failure.message)
    fails = function(smaller)
      local fine, why = husk_sequence.run(smaller)
      return not fine and kind_of(why.message) == wanted
    end
  elseif not fails(program) then
    core.fail("husk.workload.shrink: the program does not fail")
  end
  local test, runs = tester(fails)
  local steps
  repeat
    steps = program.steps
    program = cut(program, test)
    program = merge_registers(program, test)
    program = simplify_steps(program, test)
    program = redirect(program, test)
    program = search(program, test)
  until program.steps == steps
  program = order_registers(program, test)
  program.runs = runs()
  return program
end

-- husk.workload.explore(options): tries random programs with the seeds from `seed` on, 100 or options.runs of them; the other
-- options are those of husk.workload.sequence. The first one that fails is shrunk. Returns nil if none does, or the script,
-- the failure, and the shrunk program.
function shrink.explore(options)
  local given = {}
  for name, value in pairs(options or {}) do given[name] = value end
  local runs, first = given.runs or 100, given.seed or 1
  given.runs = nil
  for seed = first, first + runs - 1 do
    given.seed = seed
    local program = husk_sequence.sequence(given)
    if not husk_sequence.run(program) then
      local small = shrink.shrink(program)
      local _, failure = husk_sequence.run(small)
      return husk_sequence.tolua(small), failure, small
    end
  end
  return nil
end

return shrink
