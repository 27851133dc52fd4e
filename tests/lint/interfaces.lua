-- swig/*.i against the public headers: every public function is declared with the header's types, or stands in
-- HUSK_HOST below a comment that says why not; structs have the header's fields; no language is named.
local lint = require "lint"
package.path = (arg[0]:match("^(.*)/[^/]*$") or ".") .. "/../../swig/?.lua;" .. package.path
local ownership = require "make_ownership"

-- SWIG sees an enumeration of the headers as the integer it is, where it has not been told its values.
local alike = { husk_reason = "int", husk_mode = "int" }

local function types_of(sig)
    local list = {}
    for i, param in ipairs(sig.params) do list[i] = param.type end
    return sig.result .. " (" .. table.concat(list, ", ") .. ")"
end

-- SWIG's own lines end with the line and not with a semicolon: they and %{ ... %} are not C.
local function without_directives(code)
    local function blank(text) return (text:gsub("[^\n]", " ")) end
    code = code:gsub("%%{.-%%}", blank):gsub("%%define.-%%enddef", blank)
    code = code:gsub("%f[^\n%z]%s*%%%l[^\n]*", function(line)
        return line:find("^%s*%%extend") and line or blank(line)
    end)
    return (code:gsub("%f[^\n%z]%s*HUSK_%u+%b()[^\n]*", blank))
end

-- What one .i file declares: list of { name, sig, line }, the header's spelling restored for methods.
local function declared(code)
    local list = {}
    local text = without_directives(code)
    local flat = text:gsub("%%extend ([%w_]+) (%b{})", function(class, body)
        local before = text:find("%%extend " .. class .. " ", 1, false)
        for piece in body:sub(2, -2):gmatch("[^;]+;") do
            piece = piece:gsub("%s+", " "):gsub("^ ", "")
            local name = piece:match("([%w_]+) ?%(")
            local sig = lint.signature(piece:gsub(";$", ""), name)
            sig.name = class .. "_" .. name
            table.insert(sig.params, 1, { type = (sig.const and "const " or "") .. class .. " *", words = {} })
            list[#list + 1] = { name = sig.name, sig = sig, spelling = class .. "::" .. name, at = before }
        end
        return (body:gsub("[^\n]", " "))
    end)
    for _, s in ipairs(lint.statements(flat)) do
        local name = s.text:match("(husk_[%w_]+) ?%(")
        if name and not s.text:find("^typedef") then
            list[#list + 1] = { name = name, sig = lint.signature(s.text, name), spelling = name }
        end
    end
    return list
end

-- "typedef struct husk_pass { ... } husk_pass;" as a list of "type name", one for each field.
local function structs(code)
    local found = {}
    for body, name in code:gmatch("typedef struct [%w_]* ?(%b{}) ([%w_]+);") do
        local fields = {}
        for piece in body:sub(2, -2):gmatch("[^;]+") do
            local type, names = piece:gsub("%s+", " "):match("^ ?([%w_]+ [*]?)(.-) ?$")
            type = type and type:gsub(" $", "")
            for field in (names or ""):gmatch("[^,%s]+") do fields[#fields + 1] = (alike[type] or type) .. " " .. field end
        end
        found[name] = table.concat(fields, "; ")
    end
    return found
end

return function(root, report)
    local public = {}
    for _, d in ipairs(lint.declarations(root)) do
        if d.kind == "function" and not d.name:find("^husk__") then
            public[d.name] = { d = d, sig = lint.signature(d.text, d.name) }
        end
    end
    local header_structs = {}
    for _, path in ipairs(lint.matching(root, "^libcore/include/.*%.h$")) do
        for name, fields in pairs(structs((lint.split_c(lint.read(root .. "/" .. path))))) do header_structs[name] = fields end
    end

    -- What no language reads no compiler has seen.
    local included = { ["husk.i"] = true }
    for _, path in ipairs(lint.matching(root, "%.i$")) do
        for name in lint.split_c(lint.read(root .. "/" .. path)):gmatch('%%include "([^"]+)"') do included[name] = true end
    end

    local settled = {}
    for _, path in ipairs(lint.matching(root, "^swig/.*%.i$")) do
        local text = lint.read(root .. "/" .. path)
        local code = lint.split_c(text)
        if not included[path:match("[^/]+$")] then report.complain(path, "is included by nobody") end
        for line in code:gmatch("[^\n]+") do
            if line:match("^%s*#%s*el?if.*SWIG%u") or line:match("^%s*#%s*if.*SWIG%u") then
                report.complain(path, "knows a language: %s", line:match("^%s*(.-)%s*$"))
            end
        end
        for _, f in ipairs(declared(code)) do
            report.saw()
            local p = public[f.name]
            if not p then
                report.complain(path, "declares %s, which no header has", f.name)
            else
                settled[f.name] = true
                if ownership.spelling(p.sig) ~= f.spelling then
                    report.complain(path, "declares %s as %s; by its first argument it is %s", f.name, f.spelling,
                                    ownership.spelling(p.sig))
                elseif types_of(p.sig) ~= types_of(f.sig) then
                    report.complain(path, "%s is %s in the header, here %s", f.name, types_of(p.sig), types_of(f.sig))
                end
                for _, param in ipairs(p.sig.params) do
                    if param.words.HUSK_NULLABLE and ownership.classes[param.type:match("^([%w_]+) %*$") or ""] then
                        report.complain(path, "%s takes a handle that may be NULL: no typemap lets nil pass", f.name)
                    end
                end
            end
        end
        -- Those that are not wrapped, in groups below a comment. Of ownership.i the words are the reason.
        local explained = path == "swig/ownership.i"
        for line in (text .. "\n"):gmatch("(.-)\n") do
            local name = line:match("^HUSK_HOST%(([%w_]+)%)") or line:match("^HUSK_LENDS%(([%w_:]+)%)") or
                line:match("^HUSK_EATS%(([%w_:]+)%)")
            if name then
                report.saw()
                name = name:gsub("::", "_")
                if not public[name] then report.complain(path, "leaves out %s, which no header has", name) end
                if not explained then report.complain(path, "leaves out %s and does not say why", name) end
                if settled[name] then report.complain(path, "leaves out %s, which is declared or left out already", name) end
                settled[name] = true
            elseif path ~= "swig/ownership.i" then
                explained = line:find("*/%s*$") ~= nil
            end
        end
        for name, fields in pairs(structs(code)) do
            if fields ~= "" then
                report.saw()
                if header_structs[name] ~= fields then
                    report.complain(path, "struct %s is { %s } in the header, here { %s }", name,
                                    header_structs[name] or "nowhere", fields)
                end
            end
        end
    end
    for name, p in pairs(public) do
        if not settled[name] then
            report.complain(p.d.path .. ":" .. p.d.line, "swig/*.i neither declares %s nor says why not", name)
        end
    end
    table.sort(report.complaints)
end
