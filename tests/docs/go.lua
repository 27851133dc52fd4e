-- The pieces of Go of a page make one program: those marked `body` are the statements of main, the others stand before
-- it. It compiles, runs, prints what the page shows, and leaves no byte behind. Arguments: a scratch folder, the folder
-- of the package, then the words of the command that is Go.
local pages = require "pages"

local known = {
    "context", "errors", "fmt", "log", "math", "os", "path/filepath", "runtime", "runtime/pprof", "strings", "sync", "time", "unsafe",
    "husk.example/husk", "husk.example/husk/ffi", "husk.example/husk/memory", "husk.example/husk/trace",
}

-- Go refuses imports that are not used.
local function imports(text)
    local list = {}
    for _, path in ipairs(known) do
        if text:find("%f[%w_]" .. path:match("[^/]+$") .. "%.%u") then list[#list + 1] = ("\t%q\n"):format(path) end
    end
    return "import (\n" .. table.concat(list) .. ")\n"
end

local function put_together(page, blocks)
    local top, body = {}, {}
    for i, block in ipairs(blocks) do
        local to = block.word == "body" and body or top
        to[#to + 1] = ("//line %s:%d\n%s"):format(page.path, block.line + 1, block.text)
        body[#body + 1] = ("fmt.Println(\"%s\")\n"):format(pages.mark:format(i))
    end
    local text = table.concat(top, "\n") .. "\nfunc main() {\n" .. table.concat(body) ..
        "if husk.MemoryHeld() != 0 {\n\tfmt.Println(\"a heap is not closed\")\n\tos.Exit(1)\n}\n}\n"
    return "package main\n\n" .. imports(text) .. text
end

return function(root, report, scratch, package, ...)
    local command = {}
    for _, word in ipairs { ... } do command[#command + 1] = pages.quote(word) end
    for _, page in ipairs(pages.all(root)) do
        local blocks = {}
        for _, block in ipairs(pages.blocks(page.text)) do
            if block.language == "go" then blocks[#blocks + 1] = block end
        end
        if #blocks > 0 then
            local at = scratch .. "/" .. page.path:gsub("/", "_"):gsub("%.md$", "")
            assert(os.execute("mkdir -p " .. pages.quote(at)))
            pages.write(at .. "/go.mod", "module husk.example/page\n\ngo 1.19\n\nrequire husk.example/husk v0.0.0\n\n" ..
                "replace husk.example/husk => " .. package .. "\n")
            pages.write(at .. "/main.go", put_together(page, blocks))
            local output, ok = pages.capture("cd " .. pages.quote(at) .. " && " .. table.concat(command, " ") .. " .")
            pages.compare(page, blocks, output, ok, report)
        end
    end
end
