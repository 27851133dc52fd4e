-- Layers: every #include of C sources and interface files against layers.lua.
local lint = require "lint"
local layers = require "layers"

-- The folders of libcore/src, by the table, since a folder may not have been written yet.
local folders = {}
for _, row in ipairs(layers) do
    local folder = row.at:match("^libcore/src/(%w+)$")
    if folder then folders[folder] = true end
end

local function row_of(path)
    local best
    for _, row in ipairs(layers) do
        if (path == row.at or path:sub(1, #row.at + 1) == row.at .. "/") and not (best and #best.at > #row.at) then
            best = row
        end
    end
    return best
end

local function allows(list, wanted)
    if list == "all" then return true end
    for _, entry in ipairs(list) do
        if entry == wanted then return true end
    end
    return false
end

local function check_include(report, place, path, row, mark, target)
    local public = target:match("^husk/(.+)$") or (target == "husk.h" and target)
    local folder = target:match("^([^/]+)/")
    if target:match("%.c$") then
        report.complain(place, "includes a source file, %s", target)
    elseif target:match("libcore/") or target:match("%.%./") then
        report.complain(place, "reaches %s by its path; headers are named from their include directory", target)
    elseif public then
        if mark == '"' then report.complain(place, "public headers are included as <%s>", target) end
        if not allows(row.public, public) then report.complain(place, "%s may not include <%s>", row.at, target) end
    elseif mark == '"' and folders[folder] then
        if not allows(row.internal, folder) then report.complain(place, "%s may not include \"%s\"", row.at, target) end
    elseif mark == '"' and path:match("^libcore/src/") then
        report.complain(place, "\"%s\" does not carry its folder", target)
    elseif mark == "<" and folders[folder] and not target:match("^sys/") then
        report.complain(place, "internal headers are included as \"%s\"", target)
    end
end

return function(root, report)
    for _, path in ipairs(lint.matching(root, "%.[chi]$")) do
        local row = row_of(path)
        local code = lint.split_c(lint.read(root .. "/" .. path))
        local number = 0
        for line in (code .. "\n"):gmatch("(.-)\n") do
            number = number + 1
            local mark, target = line:match('^%s*[#%%]%s*include%s*([<"])([^>"]+)[>"]')
            if row and target then
                report.saw()
                check_include(report, path .. ":" .. number, path, row, mark, target)
            end
        end
        for _, word in ipairs(row and row.never or {}) do
            if code:find("%f[%w_]" .. word .. "%f[^%w_]") then
                report.complain(path, "%s must know nothing of %s", row.at, word)
            end
        end
    end
end
