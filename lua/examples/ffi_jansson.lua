-- Jansson from a script, a library that counts references as Husk does: a text is read and looked at, and a value that
-- nobody lets go is found; with words for who owns what nobody has to.
--
-- Prints what was read, what husk.expect says of the leak, and the count that shows it.

local there, ffi, json = pcall(function()
  local ffi = require "husk.ffi"
  return ffi, ffi.load "jansson"
end)
if not there then
  print("skipped: " .. tostring(ffi))
  os.exit(77, true)
end
local expect = require "husk.expect"

ffi.cdef [[
  typedef struct json_t { int type; volatile size_t refcount; } json_t;
  json_t *json_loads(const char *text, size_t flags, void *error);
  json_t *json_object_get(const json_t *object, const char *key);
  json_t *json_array_get(const json_t *array, size_t index);
  size_t json_array_size(const json_t *array);
  long long json_integer_value(const json_t *integer);
  const char *json_string_value(const json_t *string);
  void json_delete(json_t *json);
]]

-- json_decref of the header is inline, so there is none in the library.
local function decref(value)
  value.refcount = value.refcount - 1
  if value.refcount == 0 then json.json_delete(value) end
end

local text = [[{"name": "pear", "sizes": [70, 80, 95]}]]
local value = json.json_loads(text, 0, nil)
local sizes, sum = json.json_object_get(value, "sizes"), 0
for i = 0, json.json_array_size(sizes) - 1 do sum = sum + json.json_integer_value(json.json_array_get(sizes, i)) end
print(("%s: %d sizes, their sum is %d"):format(ffi.string(json.json_string_value(json.json_object_get(value, "name"))),
  json.json_array_size(sizes), sum))
decref(value)

expect.no_growth(function() decref(json.json_loads(text, 0, nil)) end)
local lost = {}
local _, failure = pcall(expect.no_growth, function() lost[#lost + 1] = json.json_loads(text, 0, nil) end)
print(failure.message)
print(("%d values have a count of %d, which is ours"):format(#lost, lost[1].refcount))
for _, one in ipairs(lost) do decref(one) end

-- The same carelessness with an annotation: what is made is the caller's, and ends when Lua forgets it.
local owned = ffi.load "jansson"
ffi.annotate(owned, {json_loads = {result = "full nullable free(json_delete)", [3] = "nullable"}})
expect.no_growth(function() owned.json_loads(text, 0, nil) end)
print "annotated: nothing grows"
