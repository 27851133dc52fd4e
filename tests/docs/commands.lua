-- Every command in the pages' consoles prints what the page shows. They run in a scratch folder, one console after
-- the other, with the programs' folder first in PATH. Arguments: the scratch folder, that folder.
local pages = require "pages"

local function split(text)
    local commands = {}
    for line in text:gmatch("([^\n]*)\n") do
        local command = line:match("^%$ (.*)$")
        local last = commands[#commands]
        if command then
            commands[#commands + 1] = { text = command, output = "" }
        elseif line:match("^> ") and last and last.output == "" then
            last.text = last.text .. "\n" .. line:sub(3)
        elseif last then
            last.output = last.output .. line .. "\n"
        end
    end
    return commands
end

return function(root, report, scratch, programs)
    assert(os.execute("rm -rf " .. pages.quote(scratch) .. " && mkdir -p " .. pages.quote(scratch)))
    for _, page in ipairs(pages.all(root)) do
        for _, block in ipairs(pages.blocks(page.text)) do
            for _, command in ipairs(block.language == "console" and split(block.text) or {}) do
                report.saw()
                local output = pages.capture(("cd %s; PATH=%s:$PATH; NO_COLOR=1; export PATH NO_COLOR\n%s"):format(
                    pages.quote(scratch), pages.quote(programs), command.text))
                if not pages.alike(command.output, output) then
                    report.complain(page.path .. ":" .. block.line, "%s prints\n%sthe page shows\n%s", command.text,
                        output, command.output)
                end
            end
        end
    end
end
