-- SQLite from a script: a table is made, filled and asked, with each row given to a Lua function; then ten thousand queries,
-- and a statement that nobody finalizes.
--
-- Prints the rows, and how the forgotten statement is found: by the bytes that it keeps, and by its text.

local there, ffi, sql = pcall(function()
  local ffi = require "husk.ffi"
  return ffi, ffi.load "sqlite3"
end)
if not there then
  print("skipped: " .. tostring(ffi))
  os.exit(77, true)
end
local expect = require "husk.expect"

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
  int sqlite3_step(sqlite3_stmt *statement);
  const unsigned char *sqlite3_column_text(sqlite3_stmt *statement, int column);
  int sqlite3_finalize(sqlite3_stmt *statement);
  sqlite3_stmt *sqlite3_next_stmt(sqlite3 *db, sqlite3_stmt *after);
  const char *sqlite3_sql(sqlite3_stmt *statement);
]]
-- Who owns what: what comes out of these is ours, and ends so.
ffi.annotate(sql, {
  sqlite3_open = {[2] = "out full free(sqlite3_close)"},
  sqlite3_exec = {[3] = "nullable", [4] = "nullable", [5] = "out full free(sqlite3_free)"},
  sqlite3_prepare_v2 = {[4] = "out full nullable free(sqlite3_finalize)", [5] = "nullable"},
  sqlite3_next_stmt = {result = "none nullable", [2] = "nullable"},
})
local OK, ROW = 0, 100

local status, db = sql.sqlite3_open ":memory:"
assert(status == OK)

local function exec(text, row)
  local code, message = sql.sqlite3_exec(db, text, row, nil)
  if code ~= OK then error(ffi.string(message), 0) end
end

local function prepare(text)
  local code, statement = sql.sqlite3_prepare_v2(db, text, -1, nil)
  if code ~= OK then error(ffi.string(sql.sqlite3_errmsg(db)), 0) end
  return statement
end

exec [[
  create table fruit (name text, weight integer);
  insert into fruit values ('apple', 150), ('pear', 170), ('melon', 1200);
]]
exec("select name, weight from fruit order by weight", function(_, count, values, names)
  assert(count == 2 and ffi.string(names[0]) == "name")
  print(("%-5s %5s g"):format(ffi.string(values[0]), ffi.string(values[1])))
  return 0
end)
print(select(2, pcall(exec, "select * from stones")))

local function name_of(weight)
  local statement <close> = prepare "select name from fruit where weight = ?"
  sql.sqlite3_bind_int64(statement, 1, weight)
  return sql.sqlite3_step(statement) == ROW and ffi.string(sql.sqlite3_column_text(statement, 0)) or nil
end
expect.no_growth(function() assert(name_of(170) == "pear") end, {rounds = 2500})
print "ten thousand queries: nothing grows"

-- The same without <close>, and without ffi.gc: Lua does not know that it is to be finalized.
local function careless()
  local statement = prepare "select weight from fruit where name = 'pear'"
  ffi.gc(statement, nil)
  sql.sqlite3_step(statement)
end
local _, failure = pcall(expect.no_growth, careless)
print(failure.message)
local statement, count, text = sql.sqlite3_next_stmt(db, nil), 0, nil
while statement do
  count, text = count + 1, ffi.string(sql.sqlite3_sql(statement))
  sql.sqlite3_finalize(statement)
  statement = sql.sqlite3_next_stmt(db, nil)
end
print(("not finalized, %d times: %s"):format(count, text))
assert(sql.sqlite3_close(db) == OK)
