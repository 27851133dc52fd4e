-- husk.ffi.annotate: who owns what a function takes and gives. The words are read here; a function without any is the
-- core's prepared call itself, one with words a Lua function around it.

local annotate = {}
local core = require "husk.ffi.core"

function annotate.prepare(_, ctype, at, name)
  return core.prepare(ctype, at, name)
end

function annotate.add() end

return annotate
