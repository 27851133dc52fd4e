-- lua5.4 selftest.lua SCRATCH [PACKAGE GO...]: the checks find what they are for. Each case is a page with one thing
-- wrong with it, or nothing (wanted nil). Pieces of Go are tried where there is a Go, and the package.
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
local pages = require "pages"
local scratch = arg[1]

local lua = { "lua5.4" }
local cases = {
    { "scripts", "as shown", "```lua\nprint(1)\n```\n\n```text\n1\n```\n" },
    { "scripts", "a later block knows the earlier one's locals", "```lua\nlocal a = 2\n```\n```lua\nprint(a)\n```\n```text\n2\n```\n" },
    { "scripts", "another output", "```lua\nprint(1)\n```\n```text\n2\n```\n", "the page shows" },
    { "scripts", "output not shown", "```lua\nprint(1)\n```\n", "the page shows" },
    { "scripts", "an error", "```lua\nerror 'oh'\n```\n", "stops with" },
    { "scripts", "any text", "```lua\nprint('a', 17)\n```\n```text\na\t...\n```\n" },
    { "python", "as shown", "```python\nprint(1)\n```\n\n```text\n1\n```\n" },
    { "python", "an open block", "```python\nfor i in 1, 2:\n    print(i)\n```\n```text\n1\n2\n```\n" },
    { "python", "another output", "```python\nprint(1)\n```\n```text\n2\n```\n", "the page shows" },
    { "python", "an error", "```python\n1 / 0\n```\n", "stops with" },
    { "programs", "as shown", "```c\n#include <stdio.h>\nint main(void) { puts(\"1\"); }\n```\n```text\n1\n```\n" },
    { "programs", "another output", "```c\n#include <stdio.h>\nint main(void) { puts(\"1\"); }\n```\n```text\n2\n```\n",
      "the page shows" },
    { "programs", "does not compile", "```c\nint main(void) { return one; }\n```\n", "stops with" },
    { "commands", "as shown", "```console\n$ echo one\none\n$ echo two\ntwo\n```\n" },
    { "commands", "another output", "```console\n$ echo one\ntwo\n```\n", "the page shows" },
    { "words", "a name that is not there", "`husk_a_one` and `husk_a_two`\n", "no husk_a_two" },
    { "words", "a name in a comment only", "`husk_a_three`\n", "no husk_a_three" },
    { "words", "a link into nothing", "[here](nowhere.md)\n", "nowhere.md" },
    { "words", "a heading that is not there", "# One\n[one](#one) [two](#two)\n", "#two" },
    { "words", "a file that is not there", "`a.h` `b.h`\n", "no file b.h" },
    { "words", "a target that is not there", "`make all` `make none`\n", "no target none" },
    { "words", "a function that is not there", "husk.one() husk.two()\n", "no husk.two" },
}

if arg[3] then
    local head = "```go body\nerr := error(nil)\nfmt.Println(1, err)\n"
    table.move({
        { "go", "as shown", head .. "```\n```text\n1 <nil>\n```\n" },
        { "go", "another output", head .. "```\n```text\n2 <nil>\n```\n", "the page shows" },
        { "go", "does not compile", head .. "return one\n```\n", "docs/page.md:4: undefined: one" },
        { "go", "a heap left open", "```go body\n_ = husk.Must(husk.New())\n```\n", "end with an error" },
    }, 1, 4, #cases + 1, cases)
end

local failed = 0
for number, case in ipairs(cases) do
    local check, title, text, wanted = table.unpack(case, 1, 4)
    local root = scratch .. "/" .. number
    assert(os.execute(("rm -rf %s && mkdir -p %s/docs %s/libcore/include %s/bindings/lua/husk"):format(
        pages.quote(root), pages.quote(root), pages.quote(root), pages.quote(root))))
    pages.write(root .. "/README.md", "Nothing here.\n")
    pages.write(root .. "/libcore/README.md", "Nor here.\n")
    pages.write(root .. "/libcore/include/a.h", "/* husk_a_three */\nint husk_a_one(void);\n")
    pages.write(root .. "/bindings/lua/husk/init.lua", "local husk = {}\nfunction husk.one() end\nreturn husk\n")
    pages.write(root .. "/Makefile", "x:\nall:\n")
    pages.write(root .. "/docs/page.md", text)
    local report = pages.report()
    if check == "scripts" then
        require(check)(root, report, root .. "/out", table.unpack(lua))
    elseif check == "python" then
        require(check)(root, report, root .. "/out", "/usr/bin/env", "python3")
    elseif check == "go" then
        require(check)(root, report, root .. "/out", table.unpack(arg, 2))
    elseif check == "programs" then
        require(check)(root, report, root .. "/out", "cc", "SOURCE")
    else
        require(check)(root, report, root .. "/out", root)
    end
    local said = table.concat(report.complaints, "\n")
    if report.seen == 0 or #report.complaints ~= (wanted and 1 or 0) or (wanted and not said:find(wanted, 1, true)) then
        failed = failed + 1
        print(("%s, %s: wanted %s, got %s"):format(check, title, wanted or "nothing", said == "" and "nothing" or said))
    end
end
print(("%d cases, %d failed"):format(#cases, failed))
os.exit(failed == 0)
