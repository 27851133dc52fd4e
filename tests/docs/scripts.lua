-- Every piece of Lua in the pages runs and prints what the page shows. Arguments: a scratch folder, then the words
-- of the command that runs a script.
local pages = require "pages"

return function(root, report, scratch, ...)
    pages.run_scripts(root, report, scratch, { ... }, "lua", ".lua", function(text)
        return ("io.stdout:write(%q, '\\n') io.stdout:flush()"):format(text)
    end)
end
