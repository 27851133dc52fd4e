-- Every piece of Lua in the pages runs and prints what the page shows. Arguments: a scratch folder, then the words
-- of the command that runs a script.
local pages = require "pages"

return function(root, report, scratch, ...)
    local command = {}
    for _, word in ipairs { ... } do command[#command + 1] = pages.quote(word) end
    assert(os.execute("mkdir -p " .. pages.quote(scratch)))
    for _, page in ipairs(pages.all(root)) do
        local parts, source, line = {}, {}, 1
        for _, block in ipairs(pages.blocks(page.text)) do
            if block.language == "lua" then
                parts[#parts + 1] = block
                -- Lines keep the numbers that they have on the page.
                source[#source + 1] = ("\n"):rep(block.line + 1 - line)
                local text = block.text .. ("io.stdout:write(%q) io.stdout:flush()\n"):format(
                    pages.mark:format(#parts) .. "\n"):gsub("\\\n", "\\n")
                source[#source + 1] = text
                line = block.line + 1 + select(2, text:gsub("\n", ""))
            end
        end
        if #parts > 0 then
            local at = scratch .. "/" .. page.path:gsub("/", "_"):gsub("%.md$", ".lua")
            pages.write(at, table.concat(source))
            local output, ok = pages.capture("cd " .. pages.quote(scratch) .. " && " .. table.concat(command, " ") ..
                " " .. pages.quote(at:match("[^/]+$")))
            pages.compare(page, parts, output, ok, report)
        end
    end
end
