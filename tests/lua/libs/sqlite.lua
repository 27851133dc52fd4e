-- lua5.4 sqlite.lua SCRATCH: SQLite: a database that its own program reads, and statements that a script forgets.
local expect = require "husk.expect"
local ffi = require "husk.ffi"
local tap = require "tap"
local libs = require "libs.libs"
local test, eq, ok, raises = tap.test, tap.eq, tap.ok, tap.raises
local sql = libs.load("sqlite3")

ffi.cdef [[
  typedef struct sqlite3 sqlite3;
  typedef struct sqlite3_stmt sqlite3_stmt;
  int sqlite3_open(const char *path, sqlite3 **db);
  int sqlite3_close(sqlite3 *db);
  const char *sqlite3_errmsg(sqlite3 *db);
  int sqlite3_exec(sqlite3 *db, const char *text, int (*row)(void *, int, char **, char **), void *data, char **error);
  void sqlite3_free(void *memory);
  int sqlite3_prepare_v2(sqlite3 *db, const char *text, int bytes, sqlite3_stmt **statement, const char **rest);
  int sqlite3_bind_int64(sqlite3_stmt *statement, int at, long long value);
  int sqlite3_bind_text(sqlite3_stmt *statement, int at, const char *text, int bytes, void *destructor);
  int sqlite3_step(sqlite3_stmt *statement);
  int sqlite3_reset(sqlite3_stmt *statement);
  long long sqlite3_column_int64(sqlite3_stmt *statement, int column);
  const unsigned char *sqlite3_column_text(sqlite3_stmt *statement, int column);
  int sqlite3_finalize(sqlite3_stmt *statement);
  sqlite3_stmt *sqlite3_next_stmt(sqlite3 *db, sqlite3_stmt *after);
  const char *sqlite3_sql(sqlite3_stmt *statement);
  long long sqlite3_memory_used(void);
]]
-- Statements are made by prepare below, so that one can be forgotten on purpose.
ffi.annotate(sql, {
  sqlite3_open = {[2] = "out full free(sqlite3_close)"},
  sqlite3_exec = {[3] = "nullable", [4] = "nullable", [5] = "out full free(sqlite3_free)"},
  sqlite3_next_stmt = {result = "none nullable", [2] = "nullable"},
})
local OK, ROW, DONE, BUSY = 0, 100, 101, 5
local TRANSIENT = ffi.cast("void *", -1) -- SQLite copies the text

local function open(path)
  local status, db = sql.sqlite3_open(path)
  eq(status, OK)
  return db
end

local function exec(db, text, row)
  local status, message = sql.sqlite3_exec(db, text, row, nil)
  if status ~= OK then error(message and ffi.string(message) or status, 2) end
end

local function prepare(db, text)
  local cell = ffi.new("sqlite3_stmt *[1]")
  if sql.sqlite3_prepare_v2(db, text, -1, cell, ffi.new("const char *[1]")) ~= OK then
    error(ffi.string(sql.sqlite3_errmsg(db)), 2)
  end
  return cell[0]
end

-- The texts of statements that nobody has finalized.
local function forgotten(db)
  local texts, one = {}, sql.sqlite3_next_stmt(db, nil)
  while one do
    texts[#texts + 1] = ffi.string(sql.sqlite3_sql(one))
    one = sql.sqlite3_next_stmt(db, one)
  end
  return texts
end

local function filled(path)
  local db = open(path)
  exec(db, "create table fruit (name text, weight integer); begin")
  local insert <close> = ffi.gc(prepare(db, "insert into fruit values (?, ?)"), sql.sqlite3_finalize)
  for i = 1, 1000 do
    sql.sqlite3_bind_text(insert, 1, "apple " .. i, -1, TRANSIENT)
    sql.sqlite3_bind_int64(insert, 2, i << 33)
    eq(sql.sqlite3_step(insert), DONE)
    eq(sql.sqlite3_reset(insert), OK)
  end
  exec(db, "commit")
  return db
end

test("what is inserted, its own program and a callback read", function()
  local path = libs.scratch .. "/fruit.db"
  os.remove(path)
  local db <close> = filled(path)
  local rows, sum = 0, 0
  exec(db, "select name, weight from fruit order by weight", function(_, count, values, names)
    rows = rows + 1
    eq(count, 2)
    eq(ffi.string(names[1]), "weight")
    eq(ffi.string(values[0]), "apple " .. rows)
    sum = sum + math.tointeger(ffi.string(values[1]))
    return 0
  end)
  eq(rows, 1000)
  db:close()
  eq(libs.run(("sqlite3 '%s' 'select count(*), sum(weight) from fruit'"):format(path)), ("1000|%d\n"):format(sum))
end)

test("errors: of SQL with its text, of a callback as it was raised, and the database goes on", function()
  local db <close> = filled(":memory:")
  raises(nil, 'near "selekt": syntax error', function() exec(db, "selekt 1") end)
  raises(nil, "no such table: stone", function() prepare(db, "select * from stone") end)
  local calls = 0
  raises(nil, "enough", function()
    exec(db, "select * from fruit", function()
      calls = calls + 1
      error("enough")
    end)
  end)
  ok(calls == 1)
  exec(db, "select 1", function() return 0 end)
end)

local function query(db, i)
  local statement <close> = ffi.gc(prepare(db, "select weight from fruit where rowid = ?"), sql.sqlite3_finalize)
  sql.sqlite3_bind_int64(statement, 1, i)
  eq(sql.sqlite3_step(statement), ROW)
  return sql.sqlite3_column_int64(statement, 0)
end

test("ten thousand queries leave nothing behind", function()
  local db <close> = filled(":memory:")
  local before, i = sql.sqlite3_memory_used(), 0
  expect.no_growth(function()
    i = i % 1000 + 1
    eq(query(db, i), i << 33)
  end, {rounds = libs.rounds(2500)})
  eq(#forgotten(db), 0)
  ok(sql.sqlite3_memory_used() - before < 2000)
end)

test("a forgotten finalize grows the heap, keeps the database busy, and is named", function()
  local db <close> = filled(":memory:")
  local text = "select name from fruit where weight > 17"
  local function forget()
    local statement = prepare(db, text)
    return sql.sqlite3_step(statement)
  end
  local grown = libs.growth(100, sql.sqlite3_memory_used, forget)
  ok(grown > 100, ("%.1f bytes a round"):format(grown))
  if libs.native() then
    local failure = tostring(raises(nil, "it grows", function() expect.no_growth(forget) end))
    local bytes = tonumber(failure:match("native heap: %+([%d.]+) bytes a round"))
    ok(bytes and bytes > grown * 0.8, failure)
  end
  local left = forgotten(db)
  ok(#left >= 100)
  for _, one in ipairs(left) do eq(one, text) end
  eq(sql.sqlite3_close(db), BUSY)
  local one = sql.sqlite3_next_stmt(db, nil)
  while one do
    sql.sqlite3_finalize(one)
    one = sql.sqlite3_next_stmt(db, nil)
  end
end)

test("all databases closed, SQLite holds nothing", function()
  collectgarbage()
  eq(sql.sqlite3_memory_used(), 0)
end)

tap.done()
