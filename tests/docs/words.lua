-- What the pages name is there: husk_ names in the library's code, files, links with their headings, make targets,
-- and functions of the Lua module where the page writes husk.name.
local pages = require "pages"

-- C text without its comments: a name that only a comment knows does not exist.
local function code_of(text)
    return (text:gsub("/%*.-%*/", " "))
end

local function learn_names(root)
    local known = {}
    local list = pages.capture("cd " .. pages.quote(root) .. " && find libcore ffi bindings swig -name '*.[chi]'")
    for path in list:gmatch("[^\n]+") do
        local code = code_of(pages.read(root .. "/" .. path) or "")
        for name in code:gmatch("%f[%w_][Hh][Uu][Ss][Kk]_[%w_]+") do known[name] = true end
        for name in code:gmatch("X%(%s*(%u+)%s*,") do known["HUSK_" .. name] = true end -- X(ENOMEM, ...)
    end
    for _, path in ipairs { "CMakeLists.txt", "cmake/huskBuild.cmake", "libcore/husk.map",
                            "bindings/generic/CMakeLists.txt", "bindings/go/heap.go", "bindings/go/link.go", "bindings/go/ffi/link.go" } do
        for name in (pages.read(root .. "/" .. path) or ""):gmatch("[Hh][Uu][Ss][Kk]_[%w_]+") do known[name] = true end
    end
    return known
end

-- What require "husk" returns, read from its source: husk.name = and function husk.name, and the names that the comments
-- there describe, which tests/lua/reference.lua holds against the module; heap methods are there too.
local function learn_module(root)
    local known = {}
    for _, file in ipairs { "init", "heap", "survey", "type", "gc", "weak", "trace", "ledger", "snapshot", "memory" } do
        local text = "\n" .. (pages.read(root .. "/bindings/lua/husk/" .. file .. ".lua") or "")
        for name in text:gmatch("%f[%w_]husk%.([%w_]+)[^\n]*=") do known[name] = true end
        for name in text:gmatch("function husk%.([%w_]+)") do known[name] = true end
        for name in text:gmatch("\n%-%- husk%.([%w_]+)") do known[name] = true end
        for names in text:gmatch("\n%-%- (heap:[^\n]*)") do
            for name in names:gmatch("heap:([%w_]+)%(") do known[name] = true end
        end
    end
    -- A module of its own is required by its name: husk.workload.
    local modules = pages.capture("cd " .. pages.quote(root) .. " && ls bindings/lua/husk")
    for name in modules:gmatch("([%w_]+)%.lua") do known[name] = true end
    known.default = true
    for _, path in ipairs { "swig/heap.i", "swig/collect.i", "swig/pacing.i", "swig/debug.i", "bindings/lua/host_heap.c",
                            "bindings/lua/host_pacing.c", "bindings/lua/host_walk.c" } do
        local source = pages.read(root .. "/" .. path) or ""
        for name in source:gmatch("([%w_]+)%([^\n]*%)[^\n]*;") do known[name] = true end
        for name in source:gmatch('{ "([%w_]+)"') do known[name] = true end
        for name in source:gmatch('%%rename%("([%w_]+)"%)') do known[name] = true end
    end
    return known
end

-- A heading as GitHub names it.
local function anchors(text)
    local known = {}
    for heading in ("\n" .. pages.prose(text)):gmatch("\n#+ +([^\n]+)") do
        known[heading:lower():gsub("[^%w%s_-]", ""):gsub("%s", "-")] = true
    end
    return known
end

-- The language whose page it is, if not Lua's: there husk.name is a name of that language.
local function language_of(path)
    for _, language in ipairs { "python", "go", "ruby", "tcl", "perl", "java" } do
        if path:find("%f[%a]" .. language .. "%f[^%a]") then return language end
    end
end

local function exists(path)
    return pages.read(path) ~= nil or os.execute("test -d " .. pages.quote(path))
end

local function check_links(root, page, number, line, report)
    for target in line:gmatch("%]%(([^)]+)%)") do
        if not target:match("^%a+://") then
            report.saw()
            local path, heading = target:match("^([^#]*)#?(.*)$")
            local folder = page.path:match("^(.*/)") or ""
            local at = path == "" and page.path or folder .. path
            if not exists(root .. "/" .. at) then
                report.complain(page.path .. ":" .. number, "leads to %s, which is not there", target)
            elseif heading ~= "" and not anchors(pages.read(root .. "/" .. at))[heading] then
                report.complain(page.path .. ":" .. number, "leads to %s, a heading that is not there", target)
            end
        end
    end
end

-- `object/plain.c`, `libcore/src/heap.c`, `tests/lint`: from the root, or from libcore, its src or its include.
local function check_files(root, page, number, line, report)
    for span in line:gmatch("`([^`]+)`") do
        local path = span:match("^[%w_%-%./]+%.[ch]$") or span:match("^[%w_%-%.]+/[%w_%-%./]+%.lua$") or
            span:match("^[%w_%-%./]+%.md$") or span:match("^[%w_%-]+/[%w_%-%./]*$")
        if path and not path:match("^/") and not path:match("^build") and path:find("[/.]") then
            report.saw()
            local found = false
            local here = page.path:match("^(.*/)") or ""
            local binding = ("bindings/%s/"):format(language_of(page.path) or "lua")
            for _, from in ipairs { "", "libcore/", "libcore/src/", "libcore/include/", "libcore/include/husk/", "ffi/include/", "ffi/src/", "lua/",
                                    "lua/examples/", binding, here } do
                found = found or exists(root .. "/" .. from .. path)
            end
            if not found then report.complain(page.path .. ":" .. number, "there is no file %s", path) end
        end
    end
end

return function(root, report)
    local known, module = learn_names(root), learn_module(root)
    local makefile = pages.read(root .. "/Makefile") or ""
    local names = {}
    for name in pairs(known) do names[#names + 1] = name end
    local function family(prefix)
        for _, name in ipairs(names) do
            if name:sub(1, #prefix) == prefix then return true end
        end
        return false
    end

    for _, page in ipairs(pages.all(root)) do
        local number, heading = 0, ""
        local prose = {}
        for line in (pages.prose(page.text) .. "\n"):gmatch("(.-)\n") do prose[#prose + 1] = line end
        for line in (page.text .. "\n"):gmatch("(.-)\n") do
            number = number + 1
            local place = page.path .. ":" .. number
            for before, name in (" " .. line):gmatch("(.)%f[%w_]([Hh][Uu][Ss][Kk]_[%w_]*)") do
                report.saw()
                -- A file of that name begins with a dot.
                if before ~= "." and not known[name] and not (name:match("_$") and family(name)) then
                    report.complain(place, "there is no %s", name)
                end
            end
            -- A page of another language, or a part of one that its heading says is.
            if prose[number] and prose[number]:match("^#") then heading = line:lower() end
            local is_lua = not language_of(page.path) and not language_of(heading)
            for name in is_lua and line:gmatch("%f[%w_.]husk%.([%a_][%w_]*)") or function() end do
                if name ~= "h" and name ~= "i" and name ~= "pc" and name ~= "map" and name ~= "core" then
                    report.saw()
                    if not module[name] then report.complain(place, "the Lua module has no husk.%s", name) end
                end
            end
            for target in line:gmatch("`make ([%a]+)[^`]*`") do
                report.saw()
                if not makefile:find("\n" .. target .. ":", 1, true) then
                    report.complain(place, "the Makefile has no target %s", target)
                end
            end
            check_links(root, page, number, prose[number] or "", report)
            check_files(root, page, number, prose[number] or "", report)
        end
    end
end
