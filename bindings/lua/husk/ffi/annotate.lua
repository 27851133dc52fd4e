-- husk.ffi.annotate: who owns what a function takes and gives. The words are read here. A function without any is the core's
-- prepared call itself, one with words a Lua function around it.
--
--   ffi.annotate(lib, {
--     json_object     = {result = "full free(json_decref)"},
--     json_object_get = {result = "none nullable with(1)"},
--     json_loads      = {result = "full nullable free(json_decref)", [3] = "out"},
--   })
--
-- A note is by parameter number, or for the result: none, full or container (who frees it), nullable, out, retains(n),
-- free(function), with(n).

local core = require "husk.ffi.core"
local fail = require("husk.core").fail
local library = require "husk.ffi.library"

local annotate = {}

local plain = {none = "transfer", full = "transfer", container = "transfer", nullable = "nullable", out = "out"}
local numbered = {retains = true, with = true}

-- ---- the words ----

-- Reads "full free(json_decref)" for what of a function; raises.
local function read(name, what, text)
  local where = ("ffi.annotate: %s[%s]"):format(name, tostring(what))
  if type(text) ~= "string" then fail(("%s: words expected, got %s"):format(where, type(text))) end
  local note = {}
  local function set(key, value, word)
    if note[key] ~= nil then fail(("%s: '%s' contradicts another word"):format(where, word)) end
    note[key] = value
  end
  for word in text:gmatch("%S+") do
    local bare, inner = word:match("^(%a+)%((.-)%)$")
    if plain[word] then
      set(plain[word], plain[word] == "transfer" and word or true, word)
    elseif bare == "free" and inner:find("^[%a_][%w_]*$") then
      set("free", inner, word)
    elseif numbered[bare] and inner:find("^%d+$") then
      set(bare, math.tointeger(tonumber(inner)), word)
    else
      fail(("%s: unknown word '%s'; there are none, full, container, nullable, out, retains(n), free(function), with(n)")
        :format(where, word))
    end
  end
  if what == "result" and (note.out or note.retains) then fail(("%s: 'out' and 'retains' are of parameters"):format(where)) end
  if note.transfer == "none" and note.free then fail(("%s: 'free' of what is not the caller's"):format(where)) end
  return note
end

-- Notes for functions of a library, all or none; a function that has been used keeps what it was used with.
function annotate.add(lib, notes)
  if type(notes) ~= "table" then fail(("bad argument #2 to 'ffi.annotate' (table expected, got %s)"):format(type(notes))) end
  local all = {}
  for name, words in pairs(notes) do
    if type(name) ~= "string" or type(words) ~= "table" then fail("ffi.annotate: name = {words} expected") end
    local plan = {result = {}, params = {}}
    for what, text in pairs(words) do
      if what == "result" then
        plan.result = read(name, what, text)
      elseif math.type(what) == "integer" and what >= 1 then
        plan.params[what] = read(name, what, text)
      else
        fail(("ffi.annotate: %s[%s]: a parameter's number or 'result' expected"):format(name, tostring(what)))
      end
    end
    all[name] = plan
  end
  local state = library.state[lib]
  state.notes = state.notes or {}
  for name, plan in pairs(all) do
    state.notes[name] = plan
    if rawget(lib, name) then rawset(lib, name, nil) end
  end
end

-- ---- functions with notes ----

-- The function that frees, by its name in the library or in C.
local function free_of(lib, name, word)
  local state = library.state[lib]
  if rawget(lib, word) then return lib[word] end
  local symbol = state.names.symbols[word]
  if not symbol then fail(("ffi.annotate: %s: free(%s): '%s' is not declared"):format(name, word, word)) end
  if core.symbol(state.handle, symbol.label or word) then return lib[word] end
  return require("husk.ffi").C[word]
end

local function check(lib, name, plan, result, params)
  local where = "ffi.annotate: " .. name
  for i, note in pairs(plan.params) do
    local param = params[i]
    if not param then fail(("%s[%d]: it has %d parameters"):format(where, i, #params)) end
    local kind = core.info(param)
    if note.out then
      local inner = kind == "pointer" and select(5, core.info(param))
      if not inner or select(2, core.info(inner)) == 0 then
        fail(("%s[%d]: 'out' is of a pointer to something with a size"):format(where, i))
      end
    end
    if note.retains and note.retains > #params then fail(("%s[%d]: it has %d parameters"):format(where, i, #params)) end
    if note.free and not note.out then fail(("%s[%d]: 'free' is of results and out parameters"):format(where, i)) end
  end
  local kind = core.info(result)
  local owned = plan.result.transfer == "full" or plan.result.transfer == "container"
  if owned and kind ~= "ref" and not (kind == "pointer" and plan.result.free) then
    fail(("%s: 'full' is of a pointer, with free(function), or of a husk_obj *"):format(where))
  end
  if plan.result.with and not params[plan.result.with] then fail(("%s: with(%d): it has %d parameters"):format(where, plan.result.with, #params)) end
  return owned, kind
end

-- What C keeps of a value: a function becomes a callback, a string bytes of its own.
local function lasting(value, param, name)
  if type(value) == "function" and not core.address(value) then return core.callback(param, value, name) end
  if type(value) == "string" then return core.new(annotate.bytes, value) end
  return value
end

-- The function at an address, with the notes that its library has for the name.
function annotate.prepare(lib, ctype, at, name)
  local notes = library.state[lib].notes
  local plan = notes and notes[name]
  if not plan then return core.prepare(ctype, at, name) end
  local result, params, variadic = core.signature(ctype)
  local owned, kind = check(lib, name, plan, result, params)
  local taken, special = {}, false
  for i, note in pairs(plan.params) do
    if note.transfer == "full" and core.info(params[i]) == "ref" then taken[#taken + 1] = i end
  end
  for i, param in ipairs(params) do
    local k = core.info(param)
    special = special or k == "pointer" or k == "str" or k == "ref" or plan.params[i] ~= nil
  end
  local call = core.prepare(ctype, at, name, owned and plan.result.free and free_of(lib, name, plan.result.free) or nil, owned, taken)
  local pointer = kind == "pointer" or kind == "str" or kind == "ref"
  local strict = pointer and not plan.result.nullable
  local with = plan.result.with
  if not with and not owned and kind == "pointer" and params[1] and core.info(params[1]) == "pointer" and not (plan.params[1] or {}).out then
    with = 1
  end
  if not special and not strict then return call end

  local cells, frees, outs = {}, {}, {}
  for i, param in ipairs(params) do
    local note = plan.params[i]
    if note and note.out then
      outs[#outs + 1] = i
      local inner = select(5, core.info(param))
      cells[i] = core.array(inner, false, select(4, core.info(inner)) .. "[1]", 1)
      frees[i] = note.free and free_of(lib, name, note.free)
    end
  end

  local function bad(i, shown, given)
    fail(("bad argument #%d to '%s' (%s expected, got %s, and it is not nullable)"):format(shown, name, select(4, core.info(params[i])), type(given)))
  end

  local function fail_null()
    local number = core.errno()
    fail(("%s: NULL%s"):format(name, number ~= 0 and (": %s (errno %d)"):format(core.strerror(number), number) or ""))
  end

  -- The values that came out, owned where they are.
  local function collect(args, values)
    for _, i in ipairs(outs) do
      local value = args[i][0]
      if frees[i] and value then value = core.gc(value, frees[i]) end
      values[#values + 1] = value == nil and annotate or value
    end
    return values
  end

  local function long(...)
    local given, next_given = table.pack(...), 0
    local args = {n = #params}
    for i, param in ipairs(params) do
      local note = plan.params[i]
      if cells[i] then
        args[i] = core.new(cells[i])
      else
        next_given = next_given + 1
        local value = given[next_given]
        if value == nil and not (note and note.nullable) then
          local k = core.info(param)
          if k == "pointer" or k == "str" or k == "ref" then bad(i, next_given, value) end
        end
        if note and note.retains and value ~= nil then value = lasting(value, param, name) end
        args[i] = value
      end
    end
    if variadic then
      for i = next_given + 1, given.n do
        args.n = args.n + 1
        args[args.n] = given[i]
      end
    elseif given.n ~= next_given then
      fail(("wrong number of arguments to '%s' (%d expected, got %d)"):format(name, next_given, given.n))
    end
    local ok, value = true, nil
    if next(frees) then
      ok, value = pcall(call, table.unpack(args, 1, args.n))
    else
      value = call(table.unpack(args, 1, args.n))
    end
    local values = #outs > 0 and collect(args, {}) or nil
    if not ok then error(value, 0) end -- what came out is owned by now, and ends
    local failure = strict and value == nil
    for i, note in pairs(plan.params) do
      local arg = args[i]
      if note.transfer == "full" and not note.out and core.typeof(arg) then core.disown(arg) end
      if note.retains and arg ~= nil and not failure then
        local owner = note.retains == 0 and value or args[note.retains]
        if core.typeof(owner) then core.kept(owner, arg, true) end
      end
    end
    if failure then fail_null() end
    if with and value ~= nil and core.typeof(value) and core.typeof(args[with]) then core.tie(value, args[with]) end
    if not values then return value end
    for i, one in ipairs(values) do if one == annotate then values[i] = nil end end
    if kind == "void" then return table.unpack(values, 1, #outs) end
    return value, table.unpack(values, 1, #outs)
  end

  -- Most notes say no more than who owns the result, and what may be nil. Then a call needs no tables, unless an argument is nil
  -- that may not be, or the answer is NULL.
  local needs = {}
  for i, param in ipairs(params) do
    local k, note = core.info(param), plan.params[i]
    if k == "pointer" or k == "str" or k == "ref" then needs[i] = not (note and note.nullable) end
    if note and (note.out or note.retains or note.transfer == "full") then return long end
  end
  if #params > 3 or variadic or with and with > 3 then return long end
  local one, two, three = needs[1], needs[2], needs[3]
  return function(...)
    local a, b, c = ...
    if one and a == nil or two and b == nil or three and c == nil then return long(...) end
    if kind == "void" then return call(...) end
    local value = call(...)
    if value == nil then
      if strict then fail_null() end
    elseif with then
      local owner
      if with == 1 then owner = a elseif with == 2 then owner = b else owner = c end
      if core.typeof(value) and core.typeof(owner) then core.tie(value, owner) end
    end
    return value
  end
end

return annotate
