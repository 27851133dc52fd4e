-- tap: a small test runner. Each file is a plan: test("what holds", function() ... end), and tap.done() at
-- the end, which wants the default heap whole and, after closing it, not one byte held by the process.
--
--   tap.eq(got, wanted)             equal, with == (NaN equals NaN)
--   tap.ok(value, what)             true
--   tap.raises(code, pattern, fn)   fn fails with a husk error of that code whose text has the pattern;
--                                   code nil: any error value
local core = require "husk.core"
local husk = require "husk"

local tap = {count = 0, failed = 0}

local function shown(value) return type(value) == "string" and ("%q"):format(value) or tostring(value) end

function tap.ok(value, what)
  if not value then error(what or "not true", 2) end
end

function tap.eq(got, wanted)
  if got == wanted or (got ~= got and wanted ~= wanted) then return end
  error(("got %s, wanted %s"):format(shown(got), shown(wanted)), 2)
end

function tap.raises(code, pattern, fn)
  local ok, err = pcall(fn)
  if ok then error("no error was raised", 2) end
  if code and (type(err) ~= "table" or err.code ~= code) then
    error(("got error %s, wanted code %s"):format(tostring(err), code), 2)
  end
  if not tostring(err):find(pattern) then
    error(("got error %s, wanted one with %s"):format(tostring(err), shown(pattern)), 2)
  end
  return err
end

function tap.test(name, body)
  tap.count = tap.count + 1
  local ok, err = xpcall(body, function(e) return debug.traceback(tostring(e), 2) end)
  if not ok then tap.failed = tap.failed + 1 end
  print(("%s %d - %s"):format(ok and "ok" or "not ok", tap.count, name))
  if not ok then print((("\n" .. err):gsub("\n", "\n# "))) end
end

-- Everything that the script had, and what hangs on it, is gone.
function tap.settle()
  for _ = 1, 3 do collectgarbage() end
  husk.collect()
end

function tap.done()
  tap.test("the default heap is whole, and no byte is left", function()
    tap.settle()
    tap.ok(husk.verify())
    husk.default:close()
    tap.eq(core.lib.memory_held(), 0)
  end)
  print("1.." .. tap.count)
  os.exit(tap.failed == 0 and 0 or 1, true)
end

return tap
