-- What the checks share: the project's files, C text without comments, and the list of complaints.
local lint = {}

-- A string for the shell, whatever is in it.
function lint.quote(text)
    return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- The output of a command and whether it ended well; stderr is in it.
function lint.capture(command)
    local pipe = assert(io.popen(command .. " 2>&1"))
    local text = pipe:read("a")
    return text, pipe:close() == true
end

function lint.read(path)
    local file = io.open(path, "rb")
    if not file then return nil end
    local text = file:read("a")
    file:close()
    return text
end

-- The project's files, sorted, from its root: those git tracks and those it would add; without git (an
-- unpacked archive, the tests of these checks) all files outside of build directories.
function lint.files(root)
    local at = lint.quote(root)
    local text, ok = lint.capture("cd " .. at .. " && test -e .git && git ls-files --cached --others --exclude-standard")
    if not ok then
        text, ok = lint.capture("cd " .. at .. " && find . -type f ! -path './build*/*' ! -path './.git/*'")
        assert(ok, text)
    end
    local files = {}
    for path in text:gmatch("[^\n]+") do files[#files + 1] = path:gsub("^%./", "") end
    table.sort(files)
    return files
end

-- Those whose path matches the pattern and that are there.
function lint.matching(root, pattern)
    local found = {}
    for _, path in ipairs(lint.files(root)) do
        if path:match(pattern) and io.open(root .. "/" .. path) then found[#found + 1] = path end
    end
    return found
end

-- C text with comments blanked out, so that lines keep their numbers, and the comments alone likewise. Texts in
-- quotes stay in the code.
function lint.split_c(text)
    local code, comments = {}, {}
    local at = 1
    local function put(to, other, from, upto)
        local piece = text:sub(from, upto)
        to[#to + 1] = piece
        other[#other + 1] = piece:gsub("[^\n]", " ")
        at = upto + 1
    end
    while at <= #text do
        local stop = text:find("[/\"']", at)
        if not stop then put(code, comments, at, #text) break end
        if stop > at then put(code, comments, at, stop - 1) end
        local two = text:sub(stop, stop + 1)
        if two == "/*" then
            local _, last = text:find("*/", stop + 2, true)
            put(comments, code, stop, last or #text)
        elseif two == "//" then
            put(comments, code, stop, (text:find("\n", stop, true) or #text + 1) - 1)
        elseif two:sub(1, 1) == "/" then
            put(code, comments, stop, stop)
        else
            local mark, last = two:sub(1, 1), stop + 1
            while last <= #text and text:sub(last, last) ~= mark do
                last = last + (text:sub(last, last) == "\\" and 2 or 1)
            end
            put(code, comments, stop, math.min(last, #text))
        end
    end
    return table.concat(code), table.concat(comments)
end

-- The statements at the top level of C text: { text, line }, white space made one blank, bodies made "{}",
-- preprocessor lines left out.
function lint.statements(text)
    local code = lint.split_c(text)
    code = ("\n" .. code):gsub("\n[ \t]*#[^\n]*", function(directive) -- continued lines keep their numbers
        return "\n" .. directive:sub(2):gsub("[^\n]", " ")
    end):sub(2)
    code = code:gsub('extern "C" {', function(s) return (" "):rep(#s) end)
    local statements, piece, line, start, depth = {}, {}, 1, nil, 0
    local function finish()
        local s = table.concat(piece):gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")
        if s ~= "" and s ~= "{}" then statements[#statements + 1] = { text = s, line = start } end
        piece, start = {}, nil
    end
    for c in code:gmatch(".") do
        if c == "\n" then line = line + 1 end
        if c == "}" then
            depth = math.max(depth - 1, 0)
            if depth == 0 and table.concat(piece):find("%)%s*{}$") then finish() end -- a function's body
        elseif c == "{" then
            if depth == 0 then piece[#piece + 1] = "{}" end
            depth = depth + 1
        elseif depth == 0 then
            if c == ";" then
                finish()
            else
                if not start and c:match("%S") then start = line end
                piece[#piece + 1] = c
            end
        end
    end
    return statements
end

-- What the public headers of a library ("libcore", which is meant where nothing is said; "ffi") declare:
-- { name, text, path, line, kind = "function" or "variable", inline, exported }.
function lint.declarations(root, library)
    local list = {}
    for _, path in ipairs(lint.matching(root, "^" .. (library or "libcore") .. "/include/.*%.h$")) do
        local text = lint.read(root .. "/" .. path):gsub("\\\n", "  ") -- macros of several lines are one
        for _, s in ipairs(lint.statements(text)) do
            local first = s.text:match("^%a+")
            local is_type = first == "typedef" or (first == "struct" or first == "enum" or first == "union")
                and s.text:find("{}", 1, true)
            local name = s.text:match("(husk_[%w_]+) ?%(")
            local kind = "function"
            if not name then name, kind = s.text:match("(husk_[%w_]+)$"), "variable" end
            if name and not is_type then
                list[#list + 1] = {
                    name = name, text = s.text, path = path, line = s.line, kind = kind,
                    inline = s.text:find("^static inline ") ~= nil,
                    exported = s.text:find("%f[%w_]HUSK_API%f[^%w_]") ~= nil,
                }
            end
        end
    end
    return list
end

-- The parts of a declared function: words (of ownership, on the result), result, params (words, type, name) and
-- variadic. Types are spelled with single blanks: "const husk_obj *".
local function take_words(text)
    local words = {}
    text = text:gsub("%f[%w_](HUSK_%u+)%f[^%w_]%s*(%b())", function(word) words[word] = true return "" end)
    text = text:gsub("%f[%w_](HUSK_%u+)%f[^%w_]", function(word) words[word] = true return "" end)
    return words, (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
end

function lint.signature(text, name)
    local at = assert(text:find(name .. " ?%("), name)
    local words, result = take_words(text:sub(1, at - 1):gsub("static inline ", ""))
    local sig = { name = name, words = words, result = result, params = {}, variadic = false, const = false }
    local list, behind = text:match("(%b())(.*)", at)
    sig.const = behind:find("^ ?const%f[^%w_]") ~= nil
    list = list:sub(2, -2):gsub("(HUSK_TAKES)%b()", "%1") -- a comma may stand in no other parentheses
    for param in list:gmatch("[^,]+") do
        local param_words, rest = take_words(param)
        if rest == "..." then
            sig.variadic = true
        elseif rest ~= "void" then
            local type, called = rest:match("^(.-)([%w_]+)$")
            sig.params[#sig.params + 1] = { words = param_words, type = (type:gsub(" $", "")), name = called }
        end
    end
    return sig
end

-- Complaints, and how much was looked at: a check that saw nothing has failed.
function lint.report()
    local report = { complaints = {}, seen = 0 }
    function report.complain(place, ...)
        report.complaints[#report.complaints + 1] = place .. ": " .. string.format(...)
    end
    function report.saw(n)
        report.seen = report.seen + (n or 1)
    end
    return report
end

return lint
