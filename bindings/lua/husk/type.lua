-- husk.type: record types. A class is a table: calling it makes a record, and the functions in it are the methods of its
-- records.

local core = require "husk.core"
local default = require "husk.heap".default

-- husk.type(name, fields, options): a record type. Class{field = value} makes an object with these fields and no others in
-- the default heap, Class(fields, heap) in another. Functions put into the class are methods of its objects.
-- options.finalize is a function(self) that runs once, when an object ends, with all fields still there; its handle
-- `self` is valid until it returns. To bring the object back, store it in the heap. Asking again with the same name,
-- fields and function gives the same class. A type stays as long as the Lua state, and so does what its finalizer holds.
-- husk.type{name = "Point", fields = {{"x", "f64"}, {"next", "ref"}}}: objects laid out as that C struct, with libhusk-ffi.
return function(name, fields, options)
  if type(name) == "table" and fields == nil then return require("husk.ffi.heaptype")(name) end
  local finalize
  if options ~= nil then
    if type(options) ~= "table" then
      core.fail("husk.type: a table of options expected, got " .. type(options))
    end
    for key in pairs(options) do
      if key ~= "finalize" then core.fail("husk.type: unknown option '" .. tostring(key) .. "'") end
    end
    finalize = options.finalize
  end
  return core.new_type(name, fields, finalize, {}, default)
end

-- record:release(): ends the handle, as husk.release(record), unless the class or a field has that name.
-- record:close(): the same, for <close>.
