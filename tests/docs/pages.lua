-- The pages for users, and what is fenced in them.
--
--   ```c           file scope; a block with main in it is a program of its own
--   ```c body      statements: those of a page make the body of one main, in their order
--   ```lua         those of a page make one script, in their order; so do those in ```python
--   ```go          before main; ```go body   statements of main: those of a page make one program
--   ```console     lines with "$ " are commands, the others what they print
--   ```text        right behind one of the others: what that block prints
--
-- A C, Lua, Python or Go block with no ```text behind it prints nothing.
local pages = {}

function pages.read(path)
    local file = io.open(path, "rb")
    if not file then return nil end
    local text = file:read("a")
    file:close()
    return text
end

function pages.quote(text)
    return "'" .. text:gsub("'", "'\\''") .. "'"
end

function pages.capture(command)
    local pipe = assert(io.popen("{ " .. command .. "\n} 2>&1 </dev/null"))
    local text = pipe:read("a")
    return text, pipe:close() == true
end

function pages.write(path, text)
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
end

-- All pages: { path = from the root, text = }.
function pages.all(root)
    local found = {}
    local list = pages.capture("cd " .. pages.quote(root) .. " && find . -name '*.md' ! -path './build*' ! -path './.*' | " ..
        "sed 's|^./||' | sort")
    for path in list:gmatch("[^\n]+") do
        local text = pages.read(root .. "/" .. path)
        if text then found[#found + 1] = { path = path, text = text } end
    end
    return found
end

-- The fenced blocks of a page: { language, word, text, line, output }; output blocks are not listed.
function pages.blocks(text)
    local blocks, open, number, after = {}, nil, 0, nil
    for line in (text .. "\n"):gmatch("(.-)\n") do
        number = number + 1
        if open then
            if line:match("^```%s*$") then
                open.text = table.concat(open.lines)
                if open.language == "text" and after then
                    after.output = open.text
                    after = nil
                else
                    blocks[#blocks + 1] = open
                    after = open.language ~= "text" and open or nil
                end
                open = nil
            else
                open.lines[#open.lines + 1] = line .. "\n"
            end
        else
            local language, word = line:match("^```(%a*)%s*(%a*)")
            if language then
                open = { language = language, word = word, line = number, lines = {} }
            elseif line:match("%S") and not line:match(":$") then
                after = nil -- words in between that do not lead up to the output
            end
        end
    end
    assert(not open, "a block is not closed")
    return blocks
end

-- The page's text without its fenced blocks, lines kept.
function pages.prose(text)
    local lines, inside = {}, false
    for line in (text .. "\n"):gmatch("(.-)\n") do
        local fence = line:match("^```")
        if fence then inside = not inside end
        lines[#lines + 1] = (fence or inside) and "" or line
    end
    return table.concat(lines, "\n")
end

-- Wanted output against what was printed; a line "..." stands for any lines, "..." within one for any text.
function pages.alike(wanted, got)
    if wanted == got then return true end
    if not wanted:find("...", 1, true) then return false end
    local pattern = wanted:gsub("%s+$", ""):gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0"):gsub("%%%.%%%.%%%.", ".-")
    return got:gsub("%s+$", ""):match("^" .. pattern .. "$") ~= nil
end

-- Output printed between marks, one piece for each block.
pages.mark = "==== block %d ===="
function pages.pieces(output, count)
    local pieces, at = {}, 1
    for i = 1, count do
        local mark = pages.mark:format(i) .. "\n"
        local from, to = output:find(mark, at, true)
        if not from then
            pieces[i] = output:sub(at)
            return pieces, false
        end
        pieces[i] = output:sub(at, from - 1)
        at = to + 1
    end
    return pieces, true
end

function pages.report()
    local report = { complaints = {}, seen = 0 }
    function report.complain(place, ...)
        report.complaints[#report.complaints + 1] = place .. ": " .. string.format(...)
    end
    function report.saw() report.seen = report.seen + 1 end
    return report
end

-- Compares the pieces of a page's blocks.
function pages.compare(page, blocks, output, ok, report)
    local pieces, whole = pages.pieces(output, #blocks)
    for i, block in ipairs(blocks) do
        local place = page.path .. ":" .. block.line
        if not pieces[i] then break end
        report.saw()
        if not whole and i == #pieces then
            report.complain(place, "stops with\n%s", pieces[i])
        elseif not pages.alike(block.output or "", pieces[i]) then
            report.complain(place, "prints\n%sthe page shows\n%s", pieces[i], block.output or "(nothing)\n")
        end
    end
    if whole and not ok then report.complain(page.path, "its examples end with an error:\n%s", output) end
end

-- The blocks of each page in one language of scripts, as one script that `command` runs in the folder `scratch`.
-- say(text) is code that prints text and waits for nothing.
function pages.run_scripts(root, report, scratch, command, language, extension, say)
    assert(os.execute("mkdir -p " .. pages.quote(scratch)))
    for _, page in ipairs(pages.all(root)) do
        local parts, source, line = {}, {}, 1
        for _, block in ipairs(pages.blocks(page.text)) do
            if block.language == language then
                parts[#parts + 1] = block
                -- Lines keep the numbers that they have on the page.
                source[#source + 1] = ("\n"):rep(block.line + 1 - line)
                local text = block.text .. say(pages.mark:format(#parts)) .. "\n"
                source[#source + 1] = text
                line = block.line + 1 + select(2, text:gsub("\n", ""))
            end
        end
        if #parts > 0 then
            local at = scratch .. "/" .. page.path:gsub("/", "_"):gsub("%.md$", extension)
            pages.write(at, table.concat(source))
            local words = {}
            for i, word in ipairs(command) do words[i] = pages.quote(word) end
            local output, ok = pages.capture("cd " .. pages.quote(scratch) .. " && " .. table.concat(words, " ") ..
                " " .. pages.quote(at:match("[^/]+$")))
            pages.compare(page, parts, output, ok, report)
        end
    end
end

return pages
