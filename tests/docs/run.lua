-- lua5.4 run.lua CHECK ROOT [ARGUMENTS]: one check over the pages of the project at ROOT.
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
local pages = require "pages"

local name, root = arg[1], arg[2]
if not root then
    io.stderr:write("usage: run.lua CHECK ROOT [ARGUMENTS]\n")
    os.exit(2)
end
local report = pages.report()
require(name)(root, report, table.unpack(arg, 3))
for _, complaint in ipairs(report.complaints) do print(complaint) end
print(("%s: %d looked at, %d wrong"):format(name, report.seen, #report.complaints))
os.exit(#report.complaints == 0 and report.seen > 0)
