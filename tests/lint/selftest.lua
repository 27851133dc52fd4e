-- lua5.4 selftest.lua SCRATCH: the checks find what they are for. Each case is a small project with one thing
-- wrong beside things that are right, and what has to be said about it, which is all that may be said.
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
local lint = require "lint"
local scratch = assert(arg[1], "usage: selftest.lua SCRATCH")

local cases = {
    { "includes", "a layer reaches upwards",
      { ["libcore/src/store/page.c"] = '#include "store/page.h"\n#include "base/bits.h"\n#include "object/header.h"\n' },
      'page.c:3: libcore/src/store may not include "object/header.h"' },
    { "includes", "view includes cycle",
      { ["libcore/src/view/walk.c"] = '#include "cycle/find.h"\n' }, 'walk.c:1: .* may not include "cycle/find.h"' },
    { "includes", "object includes view",
      { ["libcore/src/object/death.c"] = '#include "view/walk.h"\n#include <husk/walk.h>\n' }, "death.c:1" },
    { "includes", "kinds use an internal header",
      { ["libcore/src/kinds/list.c"] = '#include "kinds/kind.h"\n#include "base/check.h"\n' }, "list.c:2" },
    { "includes", "libhusk-ffi looks inside the core",
      { ["ffi/src/a.c"] = '#include "space.h"\n#include <husk/type.h>\n#include "object/header.h"\n' }, "a.c:3" },
    { "includes", "store reads a public header of objects",
      { ["libcore/src/store/a.h"] = "#include <husk/status.h>\n#include <husk/obj.h>\n" }, "a.h:2: .*<husk/obj.h>" },
    { "includes", "an include without its folder",
      { ["libcore/src/base/a.c"] = '#include "bits.h"\n' }, "a.c:1: .*carry its folder" },
    { "includes", "the command line uses the C library",
      { ["cli/main.c"] = '#include "host.h"\n#include <husk.h>\n' }, "main.c:2: cli may not include <husk.h>" },
    { "includes", "a flow looks inside",
      { ["tests/flow/a.c"] = '#include "support/fixture.h"\n#include "object/header.h"\n' }, "a.c:2" },
    { "includes", "a unit test may look inside, but not by a path",
      { ["tests/unit/a.c"] = '#include "object/header.h"\n#include "../../libcore/src/store/page.h"\n' }, "a.c:2: reaches" },
    { "includes", "a source includes a source",
      { ["libcore/src/heap.c"] = '#include "cycle/find.h"\n# include "cycle/find.c"\n' }, "heap.c:2: .*source file" },
    { "includes", "a binding goes below the public headers",
      { ["swig/obj.i"] = '%include <husk/obj.h>\n%{\n#include "object/header.h"\n%}\n' }, "obj.i:3" },
    { "includes", "an include in a comment is none",
      { ["libcore/src/base/a.c"] = '/* #include "object/header.h" */\n#include "base/bits.h"\n' } },
    { "includes", "the store knows objects",
      { ["libcore/src/store/a.c"] = '#include "base/bits.h"\n/* husk_obj is fine here */\nvoid f(husk_obj *);\n' },
      "must know nothing of husk_obj" },

    { "ownership", "nobody says whose the result is",
      { ["libcore/include/husk/a.h"] = "HUSK_API HUSK_NEW husk_obj *husk_a_new(void);\n\n/* One. */\n" ..
        "HUSK_API husk_obj *husk_a_get(husk_a *a,\n  int n);\n" }, "a.h:4: husk_a_get gives out a husk_obj" },
    { "ownership", "two words at once",
      { ["libcore/include/husk/a.h"] = "HUSK_API HUSK_NEW HUSK_BORROWED husk_weak *husk_a_b(void);\n" }, "a.h:1" },
    { "ownership", "inline functions count too",
      { ["libcore/include/husk/a.h"] = "static inline husk_weak *husk_a_b(int c)\n{\n  if (c) { return 0; }\n}\n" ..
        "HUSK_API HUSK_BORROWED husk_obj *husk_a_c(void);\n" }, "a.h:1: husk_a_b" },
    { "ownership", "take without the word",
      { ["libcore/include/husk/a.h"] = "HUSK_API HUSK_NEW husk_obj *husk_a_new(void);\n" ..
        "HUSK_API int husk_a_take(husk_obj *o);\n" }, "husk_a_take: HUSK_TAKES" },

    { "directives", "a word in a header has changed",
      { ["libcore/include/husk/a.h"] = "HUSK_API HUSK_NEW HUSK_NULLABLE husk_obj *husk_a_new(husk_heap *heap);\n" ..
        "HUSK_API husk_status husk_obj_do(husk_obj *obj);\n",
        ["swig/ownership.i"] = "/* husk/a.h */\nHUSK_MAKES(husk_a_new, arg1)\n" ..
        "HUSK_DOES(husk_obj::do, husk_obj_heap(arg1))\n" },
      "the headers say HUSK_FINDS%(husk_a_new, arg1%), here is HUSK_MAKES%(husk_a_new, arg1%)" },
    { "directives", "the same directives, edited by hand",
      { ["libcore/include/husk/a.h"] = "HUSK_API HUSK_NEW husk_obj *husk_a_new(husk_heap *heap);\n",
        ["swig/ownership.i"] = "HUSK_MAKES(husk_a_new, arg1)\n" }, "is not what swig/make_ownership.lua makes" },
    { "directives", "a result that scripts were given is only lent now",
      { ["libcore/include/husk/a.h"] = "HUSK_API HUSK_BORROWED husk_obj *husk_a_one(husk_heap *heap);\n",
        ["swig/ownership.i"] = "HUSK_LENDS(husk_a_one)\nHUSK_LENDS(husk_a_two)\n" },
      "no header says HUSK_LENDS%(husk_a_two%)" },
    { "directives", "a function that takes is new",
      { ["libcore/include/husk/a.h"] = "HUSK_API husk_status husk_obj_take(husk_obj *obj, HUSK_TAKES(2) husk_obj *it);\n",
        ["swig/ownership.i"] = "/* nothing */\n" }, "headers say HUSK_EATS%(husk_obj::take%), here is nothing" },

    { "interfaces", "a new function in a header",
      { ["libcore/include/husk/a.h"] = "int husk_a_one(void);\nint husk_a_two(husk_a *a);\n",
        ["swig/husk.i"] = "/* One. */\nint husk_a_one(void);\n" }, "a.h:2: .* neither declares husk_a_two" },
    { "interfaces", "a function that is gone",
      { ["libcore/include/husk/a.h"] = "int husk_a_one(void);\n",
        ["swig/husk.i"] = "int husk_a_one(void);\nint husk_a_two(void);\n" }, "declares husk_a_two, which no header has" },
    { "interfaces", "an argument of another type, in a method",
      { ["libcore/include/husk/a.h"] = "bool husk_obj_has(const husk_obj *obj, size_t at);\n",
        ["swig/husk.i"] = "%extend husk_obj {\n  bool has(int at) const;\n}\n" }, "husk_obj_has is bool %(const husk_obj %*, size_t%)" },
    { "interfaces", "a method that is declared flat",
      { ["libcore/include/husk/a.h"] = "bool husk_obj_has(husk_obj *obj);\n",
        ["swig/husk.i"] = "bool husk_obj_has(husk_obj *obj);\n" }, "by its first argument it is husk_obj::has" },
    { "interfaces", "left out, and nobody says why",
      { ["libcore/include/husk/a.h"] = "int husk_a_one(void);\nint husk_a_two(void);\n",
        ["swig/husk.i"] = "/* Takes a callback. */\nHUSK_HOST(husk_a_one)\n\nHUSK_HOST(husk_a_two)\n" },
      "leaves out husk_a_two and does not say why" },
    { "interfaces", "a field that is missing",
      { ["libcore/include/husk/a.h"] = "typedef struct husk_a {\n    size_t one, two; /* both */\n} husk_a;\n",
        ["swig/husk.i"] = "typedef struct husk_a {\n  size_t one;\n} husk_a;\n" }, "struct husk_a is { size_t one; size_t two }" },
    { "interfaces", "a file that no language includes",
      { ["libcore/include/husk/a.h"] = "int husk_a_one(void);\n", ["swig/husk.i"] = '%include "a.i"\n',
        ["swig/a.i"] = "int husk_a_one(void);\n", ["swig/b.i"] = "/* nothing */\n" }, "swig/b.i: is included by nobody" },
    { "interfaces", "a language in the shared files",
      { ["libcore/include/husk/a.h"] = "int husk_a_one(void);\n",
        ["swig/husk.i"] = "int husk_a_one(void);\n#if defined(SWIGLUA)\n#endif\n" }, "knows a language" },

    { "names", "a comment names what is gone",
      { ["libcore/include/husk/a.h"] = "/* See husk_a_two, husk_a_ and husk_a_one. */\nint husk_a_one(void);\n" },
      "a.h:1: there is no husk_a_two" },
    { "names", "a document names what is gone",
      { ["libcore/include/husk/a.h"] = "int husk_a_one(void);\n", ["docs/a.md"] = "`husk_a_*`\n`husk_b_one()`\n" },
      "a.md:2: there is no husk_b_one" },

    { "traces", "a home directory",
      { ["docs/a.md"] = "Fine.\nSee /" .. "home/somebody/husk.\n" }, "a.md:2" },
    { "traces", "the checkout's own path",
      { ["cmake/a.txt"] = "$ROOT/build\n" }, "a.txt:1" },
}

local function lay_out(root, files)
    for path, text in pairs(files) do
        local folder = (root .. "/" .. path):match("^(.*)/")
        assert(os.execute("mkdir -p " .. lint.quote(folder)))
        local file = assert(io.open(root .. "/" .. path, "wb"))
        file:write((text:gsub("$ROOT", root)))
        file:close()
    end
end

local failed = 0
local function fail(...)
    failed = failed + 1
    print(string.format(...))
end

for number, case in ipairs(cases) do
    local check, title, files, wanted = table.unpack(case, 1, 4)
    local root = scratch .. "/" .. number
    assert(os.execute("rm -rf " .. lint.quote(root)))
    lay_out(root, files)
    local report = lint.report()
    require(check)(root, report)
    local said = table.concat(report.complaints, "\n")
    if report.seen == 0 then fail("%s, %s: looked at nothing", check, title) end
    if #report.complaints ~= (wanted and 1 or 0) or (wanted and not said:find((wanted:gsub("%-", "%%-")))) then
        fail("%s, %s: wanted %s, got %s", check, title, wanted or "nothing", said == "" and "nothing" or said)
    end
end

-- Checks that run programs: a header that needs another one first; a library that lacks and adds a symbol; a
-- source that only the other compiler warns of.
local function must_fail(title, command, wanted)
    local output, ok = lint.capture(command)
    if ok then fail("%s: passed", title) end
    if not output:find(wanted) then fail("%s: wanted %s, got %s", title, wanted, output) end
end

local at = scratch .. "/programs"
assert(os.execute("rm -rf " .. lint.quote(at)))
lay_out(at, {
    ["libcore/include/husk/a.h"] = "#define HUSK_API\nHUSK_API int husk_a_one(void);\nHUSK_API int husk_a_two(void);\n",
    ["libcore/include/husk/b.h"] = "husk_undeclared *husk_b_new(void);\n",
    ["libcore/src/a.c"] = "int husk_a_one(void);\nint husk_a_three(void);\n" ..
        "int husk_a_one(void) { return 1; }\nint husk_a_three(void) { return 3; }\n",
    ["build/compile_commands.json"] = '[\n{\n  "directory": "$ROOT",\n  "command": "cc -Wconversion -Werror -o a.o ' ..
        '-c $ROOT/libcore/src/b.c",\n  "file": "$ROOT/libcore/src/b.c"\n}\n]\n',
    ["libcore/src/b.c"] = "int husk_b(int a);\nint husk_b(int a)\n{\n    a = a;\n    return a;\n}\n",
})
must_fail("headers", ("sh %s/headers.sh %s/libcore/include"):format(lint.quote(here), lint.quote(at)),
          "husk/b.h does not compile alone with g")
local library = at .. "/liba.so"
assert(os.execute(("cc -shared -fPIC -o %s %s"):format(lint.quote(library), lint.quote(at .. "/libcore/src/a.c"))))
local run = ("lua5.4 %s/run.lua "):format(lint.quote(here))
os.remove(at .. "/libcore/include/husk/b.h")
must_fail("symbols", run .. ("symbols %s %s"):format(lint.quote(at), lint.quote(library)), "husk_a_two is not in the library")
must_fail("symbols", run .. ("symbols %s %s"):format(lint.quote(at), lint.quote(library)), "exports husk_a_three")
must_fail("warnings", run .. ("warnings %s %s/build"):format(lint.quote(at), lint.quote(at)), "self%-assign")

print(("%d cases, %d failed"):format(#cases + 4, failed))
os.exit(failed == 0)
