-- What a library exports is what its public headers declare, no more and no less. Arguments: the library, and its folder
-- if it is not libcore.
local lint = require "lint"

return function(root, report, library, folder)
    local text, ok = lint.capture("nm -D --defined-only --format=posix " .. lint.quote(library))
    if not ok then return report.complain(library, "%s", text) end

    local exported, declared = {}, {}
    for name, kind in text:gmatch("([^\n ]+) (%a) ?[^\n]*") do
        if kind ~= "A" then -- the version node itself
            name = name:gsub("@.*", "")
            exported[name] = kind
            if not name:match("^husk_") then report.complain(library, "exports %s", name) end
        end
    end
    for _, d in ipairs(lint.declarations(root, folder)) do
        local place = d.path .. ":" .. d.line
        report.saw()
        if not d.inline then
            declared[d.name] = true
            if not d.exported then report.complain(place, "%s lacks HUSK_API", d.name) end
            if not exported[d.name] then report.complain(place, "%s is not in the library", d.name) end
        elseif exported[d.name] then
            report.complain(place, "%s is inline and exported", d.name)
        end
    end
    for name in pairs(exported) do
        if not declared[name] then report.complain(library, "exports %s, which no public header declares", name) end
    end
end
