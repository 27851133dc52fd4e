-- swig/ownership.i is what the ownership words in the public headers make of it today.
local lint = require "lint"
package.path = (arg[0]:match("^(.*)/[^/]*$") or ".") .. "/../../swig/?.lua;" .. package.path
local ownership = require "make_ownership"

return function(root, report)
    local at = "swig/ownership.i"
    local there = lint.read(root .. "/" .. at)
    if not there then return report.complain(at, "is not there") end
    local function lines(text)
        local by_name, count = {}, 0
        for line, name in text:gmatch("(HUSK_%u+%(([%w_:]+).-%)%f[\n\0])") do
            by_name[name] = line
            count = count + 1
        end
        return by_name, count
    end
    local made = ownership.generate(root)
    local wanted, count = lines(made)
    local found = lines(there)
    report.saw(count)
    for name, line in pairs(wanted) do
        if found[name] ~= line then
            report.complain(at, "the headers say %s, here is %s: make it anew", line, found[name] or "nothing")
        end
    end
    for name, line in pairs(found) do
        if not wanted[name] then report.complain(at, "no header says %s: make it anew", line) end
    end
    table.sort(report.complaints)
    -- The order and the words around them are made too.
    if #report.complaints == 0 and made ~= there then report.complain(at, "is not what swig/make_ownership.lua makes") end
end
