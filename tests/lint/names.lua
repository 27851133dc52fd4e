-- Names in words: a husk_ or HUSK_ name in a comment or a document is one that exists.
local lint = require "lint"

local words = "%f[%w_][Hh][Uu][Ss][Kk]__?[%w_]+"

return function(root, report)
    local known, begins = {}, {}
    local function learn(text)
        for name in text:gmatch(words) do known[name] = true end
    end
    local comments = {}
    for _, path in ipairs(lint.files(root)) do
        local text = lint.read(root .. "/" .. path)
        if not text then -- deleted, not yet committed
        elseif path:match("%.[chi]$") then
            local code, comment = lint.split_c(text)
            learn(code)
            -- Names that macros make: X(ENOMEM, ...) is HUSK_ENOMEM.
            for name in code:gmatch("X%(%s*(%u+)%s*,") do known["HUSK_" .. name] = true end
            comments[path] = comment
        elseif path:match("%.md$") then
            comments[path] = text
        elseif not path:match("^tests/lint/") then
            learn(text)
        end
    end
    for name in pairs(known) do begins[#begins + 1] = name end

    -- "husk_obj_" and "HUSK_TYPE_..." stand for all that begin so.
    local function family(prefix)
        for _, name in ipairs(begins) do
            if name:sub(1, #prefix) == prefix then return true end
        end
        return false
    end

    for path, text in pairs(comments) do
        local number = 0
        for line in (text .. "\n"):gmatch("(.-)\n") do
            number = number + 1
            for name, next in line:gmatch("(" .. words .. ")(.?)") do
                report.saw()
                local partial = name:match("_$") or next == "*" or next == "<"
                if not known[name] and not (partial and family(name)) then
                    report.complain(path .. ":" .. number, "there is no %s", name)
                end
            end
        end
    end
    table.sort(report.complaints)
end
