-- Ownership is a word at the declaration: who gives out a handle says whose it is.
local lint = require "lint"

local handles = { "husk_obj", "husk_weak", "husk_heap" }

local function has(text, word)
    return text:find("%f[%w_]" .. word .. "%f[^%w_]") ~= nil
end

return function(root, report)
    local declared = lint.declarations(root)
    for _, d in ipairs(lint.declarations(root, "ffi")) do declared[#declared + 1] = d end
    for _, d in ipairs(declared) do
        local place = d.path .. ":" .. d.line
        local result = d.kind == "function" and d.text:sub(1, d.text:find(d.name, 1, true) - 1) or ""
        for _, handle in ipairs(handles) do
            if result:match("%f[%w_]" .. handle .. " ?%*") then
                report.saw()
                local new, borrowed = has(result, "HUSK_NEW"), has(result, "HUSK_BORROWED")
                if new == borrowed then
                    report.complain(place, "%s gives out a %s: say HUSK_NEW or HUSK_BORROWED", d.name, handle)
                end
            end
        end
        -- Only functions named so eat an argument, so that the name says it where the call is read.
        local takes = has(d.text, "HUSK_TAKES")
        local stem = d.name:gsub("_inline$", ""):gsub("_slow_%d+$", "") -- other forms of the same call
        local named = stem:match("_take$") or stem:match("_later$")
        if takes ~= (named ~= nil) then
            report.complain(place, "%s: HUSK_TAKES and the name disagree", d.name)
        end
        if d.name:match("_peek$") and not has(d.text, "HUSK_BORROWED") then
            report.complain(place, "%s: what peek gives is HUSK_BORROWED", d.name)
        end
    end
end
