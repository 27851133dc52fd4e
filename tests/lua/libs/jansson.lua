-- lua5.4 jansson.lua SCRATCH: Jansson counts references as Husk does: a json_t that is never let go is found, and with words for
-- who owns what there is none.
local expect = require "husk.expect"
local ffi = require "husk.ffi"
local tap = require "tap"
local libs = require "libs.libs"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises
local json = libs.load("jansson")

-- json_decref is an inline function of jansson.h, over these two.
ffi.cdef [[
  typedef struct json_t { int type; volatile size_t refcount; } json_t;
  json_t *json_object(void);
  json_t *json_array(void);
  json_t *json_string(const char *value);
  json_t *json_integer(long long value);
  json_t *json_object_get(const json_t *object, const char *key);
  int json_object_set_new(json_t *object, const char *key, json_t *value);
  int json_array_append_new(json_t *array, json_t *value);
  size_t json_array_size(const json_t *array);
  json_t *json_array_get(const json_t *array, size_t index);
  long long json_integer_value(const json_t *integer);
  const char *json_string_value(const json_t *string);
  json_t *json_loads(const char *text, size_t flags, void *error);
  char *json_dumps(const json_t *json, size_t flags);
  void json_delete(json_t *json);
  void free(void *memory);
]]
local function decref(value)
  value.refcount = value.refcount - 1
  if value.refcount == 0 then json.json_delete(value) end
end

-- The same library twice: plain, where the script has to let go, and with words.
local owned = ffi.load("jansson")
ffi.annotate(owned, {
  json_object = {result = "full free(json_delete)"}, -- whoever makes one has its only reference
  json_loads = {result = "full nullable free(json_delete)", [3] = "nullable"},
  json_object_get = {result = "none nullable with(1)"},
  json_object_set_new = {[3] = "full"},
  json_dumps = {result = "full free(free)"}, -- the process's own free, whoever stands before the C library
})

local text = '{"name": "pear", "sizes": [1, 2, 3], "inner": {"deep": true}}'

test("what is read is what was written", function()
  local value <close> = owned.json_loads(text, 0, nil)
  eq(ffi.string(json.json_string_value(owned.json_object_get(value, "name"))), "pear")
  local sizes = owned.json_object_get(value, "sizes")
  eq(json.json_array_size(sizes), 3)
  for i = 1, 3 do eq(json.json_integer_value(json.json_array_get(sizes, i - 1)), i) end
  eq(owned.json_object_get(value, "none"), nil)
  eq(ffi.string(owned.json_dumps(value, 0x20)), (text:gsub("%s", ""))) -- JSON_COMPACT
  eq(owned.json_loads("{broken", 0, nil), nil)
end)

test("counts are read in place", function()
  local value = json.json_integer(7)
  eq(value.refcount, 1)
  local array = json.json_array()
  value.refcount = value.refcount + 1
  eq(json.json_array_append_new(array, value), 0)
  eq(value.refcount, 2)
  decref(array)
  eq(value.refcount, 1)
  eq(json.json_integer_value(value), 7)
  decref(value)
end)

local function careful() decref(json.json_loads(text, 0, nil)) end

test("a json_t that is never let go is found", function()
  local lost = {}
  local function careless() lost[#lost + 1] = json.json_loads(text, 0, nil) end
  expect.no_growth(careful, {rounds = libs.rounds(1000)})
  if libs.native() then
    local failure = tostring(raises(nil, "it grows", function() expect.no_growth(careless, {rounds = libs.rounds(1000)}) end))
    local bytes = tonumber(failure:match("native heap: %+([%d.]+) bytes a round"))
    ok(bytes and bytes > 300, failure)
  else
    careless()
  end
  for _, value in ipairs(lost) do
    eq(value.refcount, 1) -- ours, that nobody let go
    decref(value)
  end
end)

test("with words for who owns what, the same script loses nothing", function()
  expect.no_growth(function() owned.json_loads(text, 0, nil) end, {rounds = libs.rounds(1000)})
  expect.no_growth(function()
    local object = owned.json_object()
    owned.json_object_set_new(object, "key", json.json_string("value")) -- taken: the object's now
    local _ <close> = owned.json_dumps(object, 0)
  end, {rounds = libs.rounds(1000)})
end)

test("what is borrowed keeps its owner, and ends with it", function()
  local object = owned.json_loads(text, 0, nil)
  local inner = owned.json_object_get(object, "inner")
  object = nil
  collectgarbage()
  collectgarbage()
  eq(inner.refcount, 1)
  object = owned.json_loads(text, 0, nil)
  inner = owned.json_object_get(object, "inner")
  object:close()
  raises("HUSK_ESTATE", "has ended", function() return inner.refcount end)
end)

tap.done()
