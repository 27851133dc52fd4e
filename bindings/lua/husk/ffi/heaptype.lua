-- husk.ffi.heaptype: husk.type{name = "Point", fields = {{"x", "f64"}, {"next", "ref"}}}: classes of objects that are laid out as
-- C structs, made at run time.

local core = require "husk.ffi.core"
local fail = require("husk.core").fail
local default = require("husk.heap").default
local ffi = require "husk.ffi"

-- The class of a description. Class{x = 1} makes an object in the default heap, Class(values, heap) and
-- heap:new(Class, values) in another.
return function(description)
  local name, fields = description.name, description.fields
  for key in pairs(description) do
    if key ~= "name" and key ~= "fields" then fail("husk.type: unknown entry '" .. tostring(key) .. "'; there are name and fields") end
  end
  if type(name) ~= "string" or not name:find("^[%a_][%w_]*$") then fail("husk.type: name is an identifier, not " .. tostring(name)) end
  if type(fields) ~= "table" or #fields == 0 then fail("husk.type: fields is a table of {name, type}") end
  local names, types = {}, {}
  for i, field in ipairs(fields) do
    if type(field) ~= "table" or type(field[1]) ~= "string" or not field[1]:find("^[%a_][%w_]*$") or #field ~= 2 then
      fail(("husk.type: field %d of %s is {name, type}"):format(i, name))
    end
    names[i], types[i] = field[1], ffi.typeof(field[2])
    if core.info(types[i]) == "str" then
      fail(("husk.type: %s.%s: a str has no owner here; a ref to a text has"):format(name, field[1]))
    end
  end
  local layout = core.aggregate(names, types, "struct " .. name, false)
  local function pairs_of(object)
    local i = 0
    return function()
      i = i + 1
      if names[i] then return names[i], object[names[i]] end
    end
  end
  local class, make = core.heap_type(layout, name, {}, pairs_of)
  local called = function(_, values, heap) return make(heap or default, values) end
  return setmetatable(class, {__name = name, __call = called, __make = make, layout = layout})
end
