-- The compiler that did not build must find nothing to warn of either, and everything of ours is built with
-- warnings as errors. Argument: the build directory, for its compile_commands.json.
local lint = require "lint"

local warnings = "-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Werror -fsyntax-only"
-- clang, given the flags of gcc: it need not know them all.
local clang = "clang -Wno-unknown-warning-option -Wno-ignored-optimization-argument -Qunused-arguments"

-- The strings of a JSON object as CMake writes it, by key.
local function entries(text)
    local list = {}
    for object in text:gmatch("%b{}") do
        local entry = {}
        for key, value in object:gmatch('"(%w+)": "(.-[^\\])"%s*[,\n]') do
            entry[key] = value:gsub("\\(.)", "%1")
        end
        list[#list + 1] = entry
    end
    return list
end

return function(root, report, build)
    local text = lint.read(build .. "/compile_commands.json")
    if not text then return report.complain(build, "has no compile_commands.json") end
    for _, entry in ipairs(entries(text)) do
        local path = entry.file:sub(1, #root + 1) == root .. "/" and entry.file:sub(#root + 2)
        local generated = entry.file:sub(1, #build + 1) == build .. "/"
        if path and path:match("%.c$") and not generated then
            report.saw()
            local compiler, flags = entry.command:match("^(%S+) (.*)$")
            for _, wanted in ipairs { "-Wconversion", "-Werror" } do
                if not flags:find(wanted .. " ", 1, true) then
                    report.complain(path, "is built without %s: its target does not link husk_warnings", wanted)
                end
            end
            local other = compiler:match("clang") and "gcc" or clang
            -- Not every compiler has the sanitizers' headers.
            flags = flags:gsub(" %-fsanitize=%S+", ""):gsub(" %-o %S+", ""):gsub(" %-M[TF] %S+", ""):gsub(" %-MD", "")
            local output, ok = lint.capture(("cd %s && %s %s %s"):format(lint.quote(entry.directory), other, flags, warnings))
            if not ok then report.complain(path, "%s:\n%s", other:match("^%S+"), output) end
        end
    end
end
