-- husk.sequence: random programs over a heap, for husk.workload. A program is a list of steps; a step is an operation and
-- small numbers for its operands, so that it can be kept, cut and made simpler (husk.shrink). Each operation has one piece
-- of Lua, which is both what runs and what is printed.
--
-- Handles are held in the registers a, b, c ... A step is left out when an operand does not fit: the register for its
-- result must be empty (nil, or a dead handle), the others must hold live handles of the right kind. So every part of a
-- program is a program again. Handles end by release alone: Lua's collector stands still meanwhile.

local core = require "husk.core"
local husk = require "husk"
local random = require "husk.random"

local sequence = {}

-- ---- operations ----

local kinds = { -- what a register may hold, as husk.kind says it
  record = {record = true}, list = {list = true}, map = {map = true}, weak = {weak = true},
  weakvaluemap = {weakvaluemap = true}, weakkeymap = {weakkeymap = true},
  container = {list = true, map = true, weakvaluemap = true},
  object = {record = true, list = true, map = true},
  any = {record = true, list = true, map = true, weak = true, weakvaluemap = true, weakkeymap = true},
}
local domains = { -- operands that are no registers: letter -> words by number
  f = {"next", "other"}, k = {"one", "two", "three"}, i = {"1", "2", "3", "4"},
  n = {"1", "2", "3", "4", "5", "6", "7", "8", "9"},
}

-- How often, by default; the operands ("x:list": a register with a list; "to=list": an empty one, with a list
-- afterwards; f, k, i, n); the Lua; and when it is done at all.
local builtin = {
  {"new", 10, "to=record n", "$to = heap:new(Node, {value = $n})"},
  {"last", 2, "to=record n", "$to = heap:new(Last, {value = $n})"},
  {"list", 4, "to=list", "$to = heap:list{}"},
  {"map", 4, "to=map", "$to = heap:map{}"},
  {"release", 12, "x:any", "husk.release($x)"},
  {"set", 12, "x:record f y:object", "$x.$f = $y"},
  {"unset", 3, "x:record f", "$x.$f = nil"},
  {"value", 1, "x:record n", "$x.value = $n"},
  {"get", 5, "to=object x:record f", "$to = $x.$f"},
  {"append", 6, "x:list y:object", "$x:append($y)"},
  {"insert", 2, "x:list i y:object", "$x:insert($i, $y)", "#$x + 1 >= $i"},
  {"put", 3, "x:list i y:object", "$x[$i] = $y", "#$x >= $i"},
  {"item", 3, "to=object x:list i", "$to = $x[$i]", "#$x >= $i"},
  {"remove", 3, "to=object x:list", "$to = $x:remove()", "#$x > 0"},
  {"store", 5, "x:map k y:object", "$x.$k = $y"},
  {"key", 3, "x:map y:object z:object", "$x[$y] = $z"},
  {"fetch", 3, "to=object x:map k", "$to = $x.$k"},
  {"erase", 2, "x:map k", "$x.$k = nil"},
  {"clear", 1, "x:container", "husk.clear($x)"},
  {"weak", 4, "to=weak x:object", "$to = husk.weak.ref($x)"},
  {"watch", 2, "to=weak x:object", "$to = husk.weak.ref($x, function() heap:list{}:release() end)"},
  {"lock", 4, "to=object x:weak", "$to = $x:get()"},
  {"values", 1, "to=weakvaluemap", "$to = heap:weak_values()"},
  {"cache", 3, "x:weakvaluemap k y:object", "$x.$k = $y"},
  {"lookup", 2, "to=object x:weakvaluemap k", "$to = $x.$k"},
  {"keys", 1, "to=weakkeymap", "$to = heap:weak_keys()"},
  {"note", 3, "x:weakkeymap y:object", "$x[$y] = true"},
  {"collect", 3, "", "heap:collect{handles = false}"},
  {"dry", 1, "", "heap:collect_dry{handles = false}"},
  {"safepoint", 1, "", "heap:safepoint()"},
}

-- The operands of an operation, taken apart: a list of {name, kind, to}.
local function operands_of(name, text)
  local list = {}
  for word in text:gmatch("%S+") do
    local letter, sign, kind = word:match("^(%l+)([:=])(%l+)$")
    if letter and kinds[kind] then
      list[#list + 1] = {name = letter, kind = kind, to = sign == "="}
    elseif domains[word] then
      list[#list + 1] = {name = word, words = domains[word]}
    else
      core.fail(("husk.workload.sequence: operation '%s': '%s' is no operand"):format(name, word))
    end
  end
  return list
end

local function operation(name, weight, operands, code, when)
  return {name = name, weight = weight, spec = operands, operands = operands_of(name, operands), code = code, when = when}
end

local function default_operations()
  local list = {}
  for i, entry in ipairs(builtin) do list[i] = operation(table.unpack(entry, 1, 5)) end
  return list
end

-- The operations of a program: with weights for those that there are, and with new ones.
local function operations_of(changes)
  local list, by_name = default_operations(), {}
  if changes and changes.only then
    for _, op in ipairs(list) do op.weight = 0 end
  end
  for _, op in ipairs(list) do by_name[op.name] = op end
  local names = {}
  for name in pairs(changes or {}) do
    if name ~= "only" then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local change = changes[name]
    if type(change) == "number" and by_name[name] then
      by_name[name].weight = change
    elseif type(change) == "table" and type(change.code) == "string" then
      local made = operation(name, change.weight or 5, change.operands or "", change.code, change.when)
      if by_name[name] then
        for i, op in ipairs(list) do
          if op.name == name then list[i] = made end
        end
      else
        list[#list + 1] = made
      end
      by_name[name] = made
    else
      core.fail(("husk.workload.sequence: ops: '%s' is no operation; give a table with code and operands, or a weight " ..
        "for one that there is"):format(name))
    end
  end
  return list, by_name
end

-- ---- making one ----

local REGISTERS = 12
local function register(number) return string.char(96 + number) end

-- What the maker believes of the registers; a program that finds it otherwise leaves the step out.
local function choose(step, op, believed, registers, r)
  for _, operand in ipairs(op.operands) do
    if operand.words then
      step[operand.name] = r:below(#operand.words)
    else
      local fitting, perhaps = {}, {} -- what was got from somewhere may be of any kind, or nil
      for i = 1, registers do
        local kind = believed[i]
        if kind == "object" and not operand.to then
          perhaps[#perhaps + 1] = i
        elseif operand.to and not kind or not operand.to and kind and kinds[operand.kind][kind] then
          fitting[#fitting + 1] = i
        end
      end
      if #perhaps > 0 and (operand.kind == "any" or r:chance(0.1)) then fitting = perhaps end
      if #fitting == 0 then return nil end
      step[operand.name] = r:pick(fitting)
    end
  end
  for _, operand in ipairs(op.operands) do
    if operand.to then believed[step[operand.name]] = operand.kind end
  end
  if op.name == "release" then believed[step.x] = nil end
  return step
end

local Sequence = {__name = "husk.Sequence"}
Sequence.__index = Sequence

local known = {
  seed = "number", length = "number", registers = "number", ops = "table", prelude = "string", check = "string",
  heap = "table", leaks = "boolean",
}

-- husk.workload.sequence(options): a random program: a table with steps. Options: seed, 1; length, how many steps, 100;
-- registers, up to 12, 6; ops, a table of weights by name and of operations of one's own, {operands =, code =, when =,
-- weight =}, with only = true without the others; prelude, Lua that runs before, whose globals the operations see; check, Lua
-- that runs after each step, by default "heap:verify()"; heap, the options of its heap; leaks = false: what is left at the
-- end is no fault.
function sequence.sequence(options)
  options = options or {}
  for name, value in pairs(options) do
    if not known[name] then core.fail(("husk.workload.sequence: unknown option '%s'"):format(tostring(name))) end
    if type(value) ~= known[name] then
      core.fail(("husk.workload.sequence: option '%s': %s expected, got %s"):format(name, known[name], type(value)))
    end
  end
  local registers, length = options.registers or 6, options.length or 100
  if registers < 1 or registers > REGISTERS then
    core.fail(("husk.workload.sequence: option 'registers': %s is not from 1 to %d"):format(registers, REGISTERS))
  end
  local list, by_name = operations_of(options.ops)
  local deck = {}
  for _, op in ipairs(list) do
    for _ = 1, op.weight do deck[#deck + 1] = op end
  end
  if #deck == 0 then core.fail("husk.workload.sequence: option 'ops': no operation is left") end
  local r, believed, steps = random.new(options.seed or 1), {}, {}
  for _ = 1, length do
    for _ = 1, 100 do -- until one has what it needs
      local op = r:pick(deck)
      local step = choose({op = op.name}, op, believed, registers, r)
      if step then
        steps[#steps + 1] = step
        break
      end
    end
  end
  return setmetatable({
    seed = options.seed or 1, steps = steps, registers = registers, operations = by_name, list = list,
    prelude = options.prelude, check = options.check or "heap:verify()", heap = options.heap or {},
    leaks = options.leaks ~= false,
  }, Sequence)
end

-- The same program with other steps.
function Sequence:with(steps)
  local copy = setmetatable({}, Sequence)
  for key, value in pairs(self) do copy[key] = value end
  copy.steps = steps
  return copy
end

-- ---- running one ----

local function filled(text, step, op)
  for _, operand in ipairs(op.operands) do
    local number = step[operand.name]
    text = text:gsub("%$" .. operand.name .. "%f[^%w_]", operand.words and operand.words[number] or register(number))
  end
  return text
end

-- The Lua of a step.
function Sequence:text(step)
  local op = self.operations[step.op]
  return filled(op.code, step, op)
end

local compiled = setmetatable({}, {__mode = "v"}) -- text -> function of the environment
local function compile(text, name)
  local code = compiled[text]
  if not code then
    local why
    code, why = load("local _ENV = ... " .. text, "=" .. name, "t")
    if not code then core.fail("husk.workload: " .. why) end
    compiled[text] = code
  end
  return code
end

local function fits(env, step, op)
  for _, operand in ipairs(op.operands) do
    if operand.kind then
      local held = rawget(env, register(step[operand.name]))
      local live = held ~= nil and husk.isalive(held)
      if operand.to then
        if live then return false end
      elseif not live or not kinds[operand.kind][husk.kind(held)] then
        return false
      end
    end
  end
  return not op.when or compile("return " .. filled(op.when, step, op), "when")(env)
end

-- What a failure says, as one line without places.
local function message_of(err)
  local text = type(err) == "table" and err.message or tostring(err)
  return (text:gsub("^[^%s:]+:%d+: ", ""))
end

local fields = '{"value", "next", "other"}'
-- In its finalizer such an object comes to refer to itself: what counting ended becomes garbage of a cycle.
local types = {
  {"Node", ('husk.type("workload.Node", %s)'):format(fields)},
  {"Last", ('husk.type("workload.Last", %s, {finalize = LAST})'):format(fields)},
}
local function last_finalize(self) self.other = self end
local LAST_TEXT = "function(self) self.other = self end"

local function environment(self)
  local options = {name = "sequence"}
  for key, value in pairs(self.heap) do options[key] = value end
  local env = setmetatable({husk = husk, heap = husk.heap(options)}, {__index = _G})
  env.Node = husk.type("workload.Node", {"value", "next", "other"})
  env.Last = husk.type("workload.Last", {"value", "next", "other"}, {finalize = last_finalize})
  return env
end

local function release_all(env, registers)
  for i = 1, registers do
    local held = rawget(env, register(i))
    if held ~= nil then husk.release(held) end
  end
end

local function body(self, env, check, done)
  if self.prelude then compile(self.prelude, "prelude")(env) end
  for number, step in ipairs(self.steps) do
    local op = self.operations[step.op]
    done.at = number
    if fits(env, step, op) then
      done[#done + 1] = number
      compile(filled(op.code, step, op), "step")(env)
      check(env)
    end
  end
  done.at = #self.steps + 1
  release_all(env, self.registers)
  env.heap:collect()
  check(env)
  local left = env.heap:figures().objects
  if self.leaks and left ~= 0 then error(left .. (left == 1 and " object is left" or " objects are left"), 0) end
end

-- husk.workload.run(sequence, check): runs it in a fresh heap, with a check after each step, and at the end, when all handles
-- are released and a pass has run, looks whether an object is left. check is Lua text or a function of the environment, in
-- which heap and the registers are. Returns true, or false and a table: step, its number (one more than there are: at the
-- end), message, text (the step's Lua). A third result lists the steps that were done.
function sequence.run(self, check)
  check = check or self.check
  if type(check) == "string" then check = compile(check, "check") end
  local env, done = environment(self), {at = 0}
  local running = collectgarbage("isrunning")
  collectgarbage("stop")
  local ok, err = pcall(body, self, env, check, done)
  if running then collectgarbage("restart") end
  if not ok then pcall(release_all, env, self.registers) end
  pcall(env.heap.close, env.heap)
  if ok then return true, nil, done end
  local step = self.steps[done.at]
  return false, {step = done.at, message = message_of(err), text = step and self:text(step) or "the end"}, done
end

-- ---- printing one ----

local function option_text(value) return type(value) == "string" and ("%q"):format(value) or tostring(value) end

local function heap_text(options)
  local names, words = {}, {'name = "sequence"'}
  for name in pairs(options) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    if name == "name" then table.remove(words, 1) end
    words[#words + 1] = name .. " = " .. option_text(options[name])
  end
  return "husk.heap{" .. table.concat(words, ", ") .. "}"
end

-- A step that looks by itself whether it can be done: its result's register is empty, its condition holds; what else does not
-- fit is an error, which is dropped.
local function guarded(self, step)
  local op, conditions = self.operations[step.op], {}
  for _, operand in ipairs(op.operands) do
    local name = operand.to and register(step[operand.name])
    if name then conditions[#conditions + 1] = ("not (%s and husk.isalive(%s))"):format(name, name) end
  end
  if op.when then conditions[#conditions + 1] = filled(op.when, step, op) end
  local text = self:text(step)
  if #conditions > 0 then text = ("if %s then %s end"):format(table.concat(conditions, " and "), text) end
  return ("pcall(function() %s end)"):format(text)
end

local function all_steps(self)
  local all = {}
  for number in ipairs(self.steps) do all[number] = number end
  return all
end

-- husk.workload.tolua(sequence, options): the program as a script that needs husk alone and fails in the same way: the steps
-- that are done, up to the one that fails. With run = false it is not run here, as is right for one that ends the process:
-- then all steps are printed, and each looks by itself whether it can be done.
function sequence.tolua(self, options)
  local here = not options or options.run ~= false
  if type(self.check) ~= "string" then
    core.fail("husk.workload.tolua: the check is a function; to be printed it has to be Lua text, in the option check")
  end
  local ok, failure, done = true, nil, nil
  if here then ok, failure, done = sequence.run(self) end
  local out, steps, used, names = {}, {}, {}, {}
  local function add(line) out[#out + 1] = line end
  for _, number in ipairs(done or all_steps(self)) do
    local step = self.steps[number]
    for _, operand in ipairs(self.operations[step.op].operands) do
      if operand.kind then used[step[operand.name]] = true end
    end
    steps[#steps + 1] = here and self:text(step) or guarded(self, step)
  end
  for i = 1, self.registers do
    if used[i] then names[#names + 1] = register(i) end
  end
  local all = table.concat(steps, "\n") .. (self.prelude or "") .. self.check
  add(("-- A random program of husk.workload, seed %d: %s."):format(self.seed,
    not here and "not run" or ok and "it does not fail" or (failure.text == "the end" and "at the end: " or "at the last step: ") .. failure.message))
  add 'local husk = require "husk"'
  add 'collectgarbage("stop") -- handles end where they are released'
  add("local heap = " .. heap_text(self.heap))
  for _, type in ipairs(types) do
    if all:find("%f[%w_]" .. type[1] .. "%f[^%w_]") then
      add(("local %s = %s"):format(type[1], (type[2]:gsub("LAST", LAST_TEXT))))
    end
  end
  if #names > 0 then add("local " .. table.concat(names, ", ")) end
  if self.prelude then add("\n" .. self.prelude:gsub("%s+$", "")) end
  add(("\nlocal function check() %s end\n"):format(self.check))
  for _, text in ipairs(steps) do add(text .. "; check()") end
  if ok or failure.text == "the end" then
    if #names > 0 then add(("\nfor _, held in pairs{%s} do husk.release(held) end"):format(table.concat(names, ", "))) end
    add "heap:collect()"
    add "check()"
    if self.leaks then
      add "local left = heap:figures().objects"
      add 'if left ~= 0 then error(left .. (left == 1 and " object is left" or " objects are left"), 0) end'
    end
  end
  return table.concat(out, "\n") .. "\n"
end

return sequence
