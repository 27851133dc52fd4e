-- No trace of the machine something was written on: paths of the checkout or of a home, hosts of package sources.
local lint = require "lint"

-- What this machine would leave behind.
local function marks_of(root)
    local marks = {}
    local function add(text)
        if #text > 5 then marks[#marks + 1] = text end
    end
    add(root)
    add((os.getenv("HOME") or "") .. "/")
    for host in lint.capture("cat /etc/apt/sources.list /etc/apt/sources.list.d/*"):gmatch("https?://([^/%s]+)") do
        add(host)
    end
    return marks
end

-- What any machine would. Put together here, so that this file does not match itself.
local patterns = { "https?://%d+%.%d+%.%d+%.%d+" }
for _, folder in ipairs { "root", "home", "work", "Users" } do
    patterns[#patterns + 1] = "%f[%w/]/" .. folder .. "/%w"
end

local function trace_in(line, marks)
    for _, mark in ipairs(marks) do
        if line:find(mark, 1, true) then return mark end
    end
    for _, pattern in ipairs(patterns) do
        local found = line:match(pattern)
        if found then return found end
    end
end

return function(root, report)
    local marks = marks_of(root)
    for _, path in ipairs(lint.files(root)) do
        local text = lint.read(root .. "/" .. path)
        if text and not text:find("\0", 1, true) then
            report.saw()
            local number = 0
            for line in (text .. "\n"):gmatch("(.-)\n") do
                number = number + 1
                local found = trace_in(line, marks)
                if found then report.complain(path .. ":" .. number, "names a place on some machine: %s", found) end
            end
        end
    end
end
