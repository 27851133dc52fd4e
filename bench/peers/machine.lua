-- machine.lua: the conditions of a run.

local machine = {}

local function read(path)
    local file = io.open(path)
    local text = file and file:read("a") or ""
    if file then file:close() end
    return text
end

local function first_line(command)
    local pipe = io.popen(command .. " 2>/dev/null")
    local line = pipe and pipe:read("l")
    if pipe then pipe:close() end
    return line
end

-- The load of the last minute, as a number.
function machine.load() return tonumber(read("/proc/loadavg"):match("^%S+")) end

local function hardware()
    local cpu = read("/proc/cpuinfo")
    local _, cores = cpu:gsub("processor%s*:", "")
    local memory = tonumber(read("/proc/meminfo"):match("MemTotal:%s*(%d+)")) or 0
    local model = cpu:match("model name%s*:%s*([^\n]+)") or "unknown processor"
    local system = read("/proc/sys/kernel/osrelease"):match("[%d.]+") or "?"
    local huge = read("/sys/kernel/mm/transparent_hugepage/enabled"):match("%[(%a+)%]") or "unknown"
    return ("%s, %d cores, %d GiB, Linux %s, huge pages: %s"):format(model, cores, (memory + 524288) // 1048576, system, huge)
end

function machine.about(programs, options)
    local mode = ({ "", " --quick", " --tiny" })[options.mode]
    return {
        machine = hardware(),
        system = read("/etc/os-release"):match('PRETTY_NAME="([^"]*)"') or "unknown system",
        compiler = programs.compiler,
        revision = first_line("git -C '" .. programs.source .. "' describe --always --dirty") or "unknown",
        date = os.date("!%Y-%m-%d %H:%M UTC"),
        command = ("make bench-peers: %d rounds%s"):format(options.rounds, mode),
        rounds = options.rounds,
        load_before = machine.load(),
    }
end

return machine
