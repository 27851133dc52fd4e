-- lua5.4 swig/make_ownership.lua ROOT: prints swig/ownership.i, made from the ownership words and the result types of
-- the public headers. `tests/lint` compares, so a word that changes in a header and not here fails a test.
--
-- What each word becomes (the macros are in base.i):
--   HUSK_NEW handle            HUSK_MAKES   the wrapper owns the result; NULL is a failure and raises
--   HUSK_NEW HUSK_NULLABLE     HUSK_FINDS   the wrapper owns the result; NULL is an ordinary answer
--   husk_status                HUSK_DOES    anything but HUSK_OK raises
--   HUSK_BORROWED handle       HUSK_LENDS   not for scripts: nobody could say how long it is valid
--   HUSK_TAKES(n)              HUSK_EATS    not for scripts: a wrapper cannot give its reference away
-- Texts (const char *) are copied by every language, so that a borrowed one needs nothing.
local here = arg and arg[0] and arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/../tests/lint/?.lua;" .. package.path
local lint = require "lint"

local ownership = {}

-- Structs that are classes in a language; the flat functions keep their names.
ownership.classes = { husk_heap = true, husk_type = true, husk_obj = true, husk_weak = true, husk_cleanup = true }

-- How the heap of a call is found from its first argument.
local heap_of = {
    husk_heap = "arg1",
    husk_obj = "husk_obj_heap(arg1)",
    husk_weak = "husk_obj_heap(husk_weak_obj(arg1))",
    husk_cleanup = "husk_obj_heap(husk_cleanup_obj(arg1))",
}

local function pointee(type)
    return type and type:gsub("^const ", ""):match("^([%w_]+) %*$")
end

-- husk_heap_collect(husk_heap *, ...) is the method husk_heap::collect; husk_list_new(husk_heap *) stays flat.
function ownership.spelling(sig)
    local class = sig.params[1] and pointee(sig.params[1].type)
    local method = class and ownership.classes[class] and sig.name:match("^" .. class .. "_(.+)$")
    return method and class .. "::" .. method or sig.name
end

-- The directive of one function, or nil: nothing is said about it.
function ownership.directive(sig)
    local name, result = ownership.spelling(sig), pointee(sig.result)
    local heap = sig.params[1] and heap_of[pointee(sig.params[1].type) or ""]
    for _, param in ipairs(sig.params) do
        if param.words.HUSK_TAKES then return ("HUSK_EATS(%s)"):format(name) end
    end
    if result and ownership.classes[result] then
        if sig.words.HUSK_BORROWED then return ("HUSK_LENDS(%s)"):format(name) end
        if not (sig.words.HUSK_NEW and heap) then return nil end
        return ("%s(%s, %s)"):format(sig.words.HUSK_NULLABLE and "HUSK_FINDS" or "HUSK_MAKES", name, heap)
    end
    -- A variadic one notes a failure for others and returns it: it has not failed itself.
    if sig.result == "husk_status" and heap and not sig.variadic and sig.name ~= "husk_heap_failure" then
        return ("HUSK_DOES(%s, %s)"):format(name, heap)
    end
end

function ownership.generate(root)
    local parts, header = {
        "/* swig/ownership.i: who owns a result, and how a call fails. Made by swig/make_ownership.lua from the words in\n" ..
        " * the public headers: change those, then run  lua5.4 swig/make_ownership.lua . > swig/ownership.i\n" ..
        " * The macros are explained in base.i. */",
    }, nil
    for _, d in ipairs(lint.declarations(root)) do
        if d.kind == "function" and not d.name:find("^husk__") then
            local line = ownership.directive(lint.signature(d.text, d.name))
            if line then
                local file = d.path:match("husk/[^/]+$") or d.path:match("[^/]+$")
                if file ~= header then parts[#parts + 1] = ("\n/* %s */"):format(file) end
                header = file
                parts[#parts + 1] = line
            end
        end
    end
    return table.concat(parts, "\n") .. "\n"
end

-- Run, not required.
if arg and arg[0] and arg[0]:match("make_ownership%.lua$") then
    io.stdout:write(ownership.generate(arg[1] or error("usage: make_ownership.lua ROOT")))
end
return ownership
