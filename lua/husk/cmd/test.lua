-- husk test: files of tests, each in a process of its own, so that one that crashes is a test that failed.

local options = require "husk.options"
local testrun = require "husk.testrun"

local function shell(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

-- Starts this program for the file; its results, and how it ended. What the tests print goes to standard error.
local function start(path, got, seed, cli)
  local results = os.tmpname()
  local words = {"exec", shell(cli.before[1]), "test", "--child=" .. shell(results), "--seed=" .. seed}
  for _, glob in ipairs(got.filter or {}) do words[#words + 1] = "--filter=" .. shell(glob) end
  if got.list then words[#words + 1] = "--list" end
  if got.no_leak_check then words[#words + 1] = "--no-leak-check" end
  words[#words + 1] = "-- " .. shell(path) .. " 1>&2"
  io.stdout:flush()
  local _, how, number = os.execute(table.concat(words, " "))
  local lines = {}
  for line in io.lines(results) do lines[#lines + 1] = line end
  os.remove(results)
  return lines, how, number
end

-- The strings of a line of results, from `at` on.
local function strings(line, at) return load("return " .. line:sub(at):gsub('" "', '", "'), "=results", "t", {})() end

-- The results of a file: a list of {name, how, seconds, text}.
local function read(lines, how, number)
  local list, open, done = {}, nil, false
  for _, line in ipairs(lines) do
    if line == "done" then
      done = true
    elseif line:find("^begin ") then
      open = strings(line, 7)
    elseif line:find("^name ") then
      list[#list + 1] = {name = strings(line, 6), how = "name"}
    else
      local result, seconds, at = line:match("^end (%a+) ([%d.]+) ()")
      local name, text = strings(line, at)
      list[#list + 1] = {name = name, how = result, seconds = tonumber(seconds), text = text}
      open = nil
      if name == "the file loads" then done = true end
    end
  end
  if not done or how == "signal" then
    list[#list + 1] = {name = open or "the file ends", how = "fail", seconds = 0,
      text = how == "signal" and ("killed by signal %d"):format(number) or ("ended early, with exit code %d"):format(number)}
  end
  return list
end

-- ---- output ----

local function xml(text)
  text = text:gsub("[%z\1-\8\11\12\14-\31]", "?"):gsub("&", "&amp;"):gsub("<", "&lt;"):gsub(">", "&gt;")
  if not utf8.len(text) then text = text:gsub("[\128-\255]", "?") end
  return (text:gsub('"', "&quot;"):gsub("\n", "&#10;"))
end

local function junit(path, files)
  local out = {'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="husk test">\n'}
  local function add(...) out[#out + 1] = string.format(...) end
  for _, file in ipairs(files) do
    local failed, skipped, seconds = 0, 0, 0
    for _, result in ipairs(file.results) do
      failed = failed + (result.how == "fail" and 1 or 0)
      skipped = skipped + (result.how == "skip" and 1 or 0)
      seconds = seconds + result.seconds
    end
    add('<testsuite name="%s" tests="%d" failures="%d" skipped="%d" time="%.6f">\n', xml(file.path), #file.results, failed,
      skipped, seconds)
    for _, result in ipairs(file.results) do
      add('<testcase classname="%s" name="%s" time="%.6f">', xml(file.path), xml(result.name), result.seconds)
      if result.how == "fail" then
        add('<failure message="%s">%s</failure>', xml(result.text:match("^[^\n]*")), xml(result.text))
      elseif result.how == "skip" then
        add('<skipped message="%s"/>', xml(result.text))
      end
      add("</testcase>\n")
    end
    add("</testsuite>\n")
  end
  add("</testsuites>\n")
  local to, why = io.open(path, "wb")
  if not to then return nil, why end
  local ok
  ok, why = to:write(table.concat(out))
  local closed, because = to:close()
  return ok and closed, why or because
end

local function comment(text) return "# " .. text:gsub("\n", "\n# ") .. "\n" end

local function report(file, from, quiet)
  for i, result in ipairs(file.results) do
    if result.how == "fail" or not quiet then
      io.write(("%s %d - %s: %s%s\n"):format(result.how == "fail" and "not ok" or "ok", from + i, file.path,
        result.name:gsub("[#\n]", " "), result.how == "skip" and " # SKIP " .. result.text or ""))
      if result.how == "fail" then io.write((comment(result.text))) end
    end
  end
end

-- ---- the command ----

local function run(args, cli)
  local got, files = options.parse("test", args, {filter = "list", junit = "text", list = "flag", q = "flag", seed = "number",
    no_leak_check = "flag", child = "text"})
  if #files == 0 then options.fail("test: which files?") end
  local texts = {}
  for i, path in ipairs(files) do
    local text, why = cli.read(path)
    if not text then
      cli.complain("cannot read the tests: " .. why)
      return cli.INPUT
    end
    texts[i] = text
  end
  local seed = got.seed or os.time() % 1000000
  if got.child then
    return testrun.child(files[1], texts[1], {results = got.child, seed = seed, filter = got.filter or {}, list = got.list,
      leaks = not got.no_leak_check})
  end
  if not got.list and not got.q then io.write("TAP version 13\n# seed ", seed, "\n") end
  local all, count, failed = {}, 0, 0
  for i, path in ipairs(files) do
    local lines, how, number = start(path, got, seed, cli)
    if how == "exit" and number == cli.INTERRUPTED or how == "signal" and number == 2 then return cli.INTERRUPTED end
    local file = {path = path, results = read(lines, how, number)}
    all[i] = file
    for _, result in ipairs(file.results) do
      if result.how == "name" then io.write(path, ": ", result.name, "\n") end
      failed = failed + (result.how == "fail" and 1 or 0)
    end
    if not got.list then report(file, count, got.q) end
    count = count + #file.results
  end
  if not got.list then
    io.write("1..", count, "\n")
    if failed > 0 then io.write(("# %d of %d failed; --seed=%d repeats the random numbers\n"):format(failed, count, seed)) end
  end
  if got.junit and not got.list then
    local ok, why = junit(got.junit, all)
    if not ok then
      cli.complain("cannot write the results: " .. tostring(why))
      return cli.SCRIPT
    end
  end
  return failed > 0 and cli.SCRIPT or cli.OK
end

return {
  usage = "husk test [OPTIONS] FILE...",
  summary = "runs files of tests",
  help = [[
Each FILE is a Lua script that says test("name", function(t) ... end), or returns a table of functions by name. t has
the expectations of husk.expect (t.dead, t.no_growth, t.equal ...), a heap of its own, t.heap, and t.skip(why). Each
file runs in a process of its own: a crash is a test that failed. After each test its heap and the default heap are
verified, and what it left behind is a failure that names the path which holds it; test("name", {leaks = false}, fn)
does without. The results go to standard output as TAP; what tests print goes to standard error.

    --filter GLOB      only tests whose name matches, * and ? as in the shell; several: any of them
    --junit FILE       writes the results as JUnit XML too
    --list             lists the tests and runs none
    --no-leak-check    nothing is said about what is left behind
    --seed N           of math.random, before each test; without it, a new one, which is printed
    -q                 only what failed

The exit code is 0, 1 if a test failed, 2 for wrong usage, 3 if a file cannot be read.]],
  run = run,
}
