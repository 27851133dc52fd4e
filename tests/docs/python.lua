-- Every piece of Python in the pages runs and prints what the page shows. Arguments: a scratch folder, then the words
-- of the command that runs a script.
local pages = require "pages"

return function(root, report, scratch, ...)
    pages.run_scripts(root, report, scratch, { ... }, "python", ".py", function(text)
        return ("print(%q, flush=True)"):format(text)
    end)
end
