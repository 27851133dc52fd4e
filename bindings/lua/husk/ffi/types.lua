-- husk.ffi.types: from what declarations say (layout.lua) to the types of the core, made when they are first asked for.

local core = require "husk.ffi.core"
local layout = require "husk.ffi.layout"

local types = {}

local made = setmetatable({}, {__mode = "k"}) -- type of a declaration -> ctype
local waiting = {}                            -- structs that have a ctype and no fields in it yet

local make

-- Why a type has no ctype: a fault without a place, raised as a string by core.fail's caller.
local function refuse(...) error(setmetatable({message = (...):format(select(2, ...))}, types.fault), 0) end
types.fault = {__tostring = function(self) return self.message end}

local function fields_of(t)
  local names, parts = {}, {}
  for _, field in ipairs(t.fields) do
    if not field.open then -- a flexible member takes no room; a pointer behind the struct reaches it
      names[#names + 1] = field.name or false
      parts[#parts + 1] = make(field.type)
      if field.type.k == "struct" or field.type.k == "union" then types.finish(field.type) end
    end
  end
  return names, parts
end

-- Whether the library can lay it out; if not, why.
local function cannot(t)
  if t.why then return t.why end
  for _, field in ipairs(t.fields) do
    local inner = field.type
    while inner.k == "array" do inner = inner.of end
    if inner.k == "strange" then return ("member '%s' is a %s"):format(field.name or "", inner.name) end
    if (inner.k == "struct" or inner.k == "union") and inner.fields then
      local why = cannot(inner)
      if why then return why end
    end
  end
end

-- The core has no const, so two structs without a name that differ in it alone would be one: such structs get names that
-- nobody can say, the same one for what is the same to C.
local function has_const(t)
  while t.k == "pointer" or t.k == "array" do
    if t.const then return true end
    t = t.to or t.of
  end
  if (t.k ~= "struct" and t.k ~= "union") or t.tag or t.alias then return false end
  for _, field in ipairs(t.fields or {}) do
    if has_const(field.type) then return true end
  end
  return false
end

local aggregates = {}
local with_const = {} -- a list of those
local unnamed = 0

local function aggregate(t)
  local name = t.tag and ("%s %s"):format(t.k, t.tag)
  if not name then
    local own = not t.alias and not cannot(t) and has_const(t)
    for _, other in ipairs(own and with_const or {}) do
      if layout.same(t, other) then return make(other) end
    end
    if own then
      t.own = true
      with_const[#with_const + 1] = t
    end
    if t.alias or own or cannot(t) then -- a type of its own, under a name that nobody can say
      unnamed = unnamed + 1
      name = ("%s %s_%d"):format(t.k, t.alias or "unnamed", unnamed)
    else
      local names, parts = fields_of(t)
      return core.aggregate(names, parts, layout.spell(t), t.k == "union")
    end
  end
  local ctype = core.declare(name, layout.spell(t), t.k == "union")
  waiting[#waiting + 1] = t
  return ctype
end

-- Gives a declared struct its fields, if it has any by now.
function types.finish(t)
  local ctype = made[t]
  if not ctype or not t.fields or t.finished then return end
  local why = cannot(t)
  if why then
    core.explain(ctype, why)
    t.finished = true
    return
  end
  if not (t.tag or t.alias or t.own) then return end
  local names, parts = fields_of(t)
  core.complete(ctype, names, parts)
  t.finished = true
end

function make(t)
  local known = made[t]
  if known then return known end
  local ctype
  local k = t.k
  if k == "pointer" and t.to.k == "struct" and t.to.tag == "husk_obj" then
    ctype = core.basic("ref", "husk_obj *") -- objects of a heap are ordinary handles
  elseif k == "pointer" then
    ctype = core.pointer(make(t.to), t.const or false, layout.spell(t))
  elseif k == "array" then
    local inner = t.of
    if inner.k == "struct" or inner.k == "union" then
      make(inner)
      types.finish(inner)
    end
    ctype = core.array(make(t.of), t.const or false, layout.spell(t), math.type(t.count) == "integer" and t.count or nil)
  elseif k == "function" then
    local params = {}
    for i, param in ipairs(t.params) do params[i] = make(param.type) end
    ctype = core.func(make(t.result), params, t.variadic or false, layout.spell(t))
  elseif k == "struct" or k == "union" then
    ctype = aggregate(t)
  elseif k == "enum" then
    if not t.constants then refuse("enum %s is only declared, not defined", t.tag) end
    local names, values = {}, {}
    for i, constant in ipairs(t.constants) do names[i], values[i] = constant.name, constant.value end
    ctype = core.enum(t.tag and "enum " .. t.tag, make(t.under), names, values, layout.spell(t))
  elseif k == "strange" then
    ctype = aggregates[t] or core.declare("struct strange_" .. t.name:gsub("%W", "_"), t.name, false)
    core.explain(ctype, "libhusk-ffi has no " .. t.name)
    aggregates[t] = ctype
  elseif k == "husk_obj" then
    ctype = core.basic("ref", "husk_obj *")
  else
    ctype = core.basic(k, layout.spell(t))
  end
  made[t] = ctype
  return ctype
end

-- The ctype of a type. Structs that it leads to are completed too.
function types.of(t)
  local ctype = make(t)
  if t.k == "struct" or t.k == "union" then types.finish(t) end
  while #waiting > 0 do
    local one = table.remove(waiting)
    types.finish(one)
    if not one.fields then types.open[one] = true end
  end
  return ctype
end
types.open = {}

-- After declarations: types that were only declared, and have been defined since.
function types.refresh()
  local ready = {}
  for t in pairs(types.open) do
    if t.fields then ready[#ready + 1] = t end
  end
  for _, t in ipairs(ready) do
    types.open[t] = nil
    types.finish(t)
    types.of(t) -- and what its fields lead to
  end
end

return types
