-- Every piece of C in the pages compiles without a warning, runs, prints what the page shows, and leaves no byte
-- behind. Arguments: a scratch folder, then the words of the compiler's command; SOURCE among them stands for the file.
local pages = require "pages"

local head = "#include <assert.h>\n#include <husk.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"

local function compile_and_run(at, source, command, mark)
    pages.write(at .. ".c", source)
    local words = {}
    for _, word in ipairs(command) do
        words[#words + 1] = word == "SOURCE" and pages.quote(at .. ".c") or pages.quote(word)
    end
    local said, ok = pages.capture(table.concat(words, " ") .. " -o " .. pages.quote(at))
    if not ok then return said, false end
    local output
    output, ok = pages.capture(pages.quote(at))
    return mark and ok and output .. mark or output, ok
end

-- Blocks at file scope in front, the others in main, each followed by its mark.
local function put_together(page, blocks)
    local top, body = { head }, { "int main(void)\n{\n" }
    for i, block in ipairs(blocks) do
        local line = ("#line %d \"%s\"\n"):format(block.line + 1, page.path)
        local to = block.word == "body" and body or top
        to[#to + 1] = line .. block.text
        body[#body + 1] = ("puts(\"%s\");\nfflush(stdout);\n"):format(pages.mark:format(i))
    end
    body[#body + 1] = "if (husk_memory_held() != 0) {\n    puts(\"a heap is not closed\");\n    return 1;\n}\nreturn 0;\n}\n"
    return table.concat(top, "\n") .. table.concat(body)
end

return function(root, report, scratch, ...)
    local command = { ... }
    assert(os.execute("mkdir -p " .. pages.quote(scratch)))
    for _, page in ipairs(pages.all(root)) do
        local parts, stem = {}, scratch .. "/" .. page.path:gsub("/", "_"):gsub("%.md$", "")
        for _, block in ipairs(pages.blocks(page.text)) do
            if block.language == "c" and block.text:find("int main(", 1, true) then
                local mark = pages.mark:format(1) .. "\n"
                local output, ok = compile_and_run(stem .. "_" .. block.line, block.text, command, mark)
                pages.compare(page, { block }, output, ok, report)
            elseif block.language == "c" then
                parts[#parts + 1] = block
            end
        end
        if #parts > 0 then
            local output, ok = compile_and_run(stem, put_together(page, parts), command)
            pages.compare(page, parts, output, ok, report)
        end
    end
end
