-- Reads the file of a snapshot with nothing but docs/snapshot-file.md: where each number stands is taken from the
-- tables of that page, what it means is written here from its words. Prints what describe.c prints; so page, writer and
-- reader say the same, or a test fails.
--
--   lua5.4 read_by_page.lua PAGE FILE             prints
--   lua5.4 read_by_page.lua PAGE FILE DESCRIBE    compares with what that program prints of the file

local function read(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read("a")
    file:close()
    return text
end

-- The tables of the page: by heading, the columns { at, bytes, name } and the size of an element.
local function layouts_of(page)
    local layouts, layout = {}, nil
    for line in page:gmatch("[^\n]+") do
        local heading = line:match("^#+ (.+)$")
        local at, bytes, name = line:match("^| (%d+) | (%d+) | `([%w_]+)` |")
        if heading then
            local section, number = heading:match("^([%u_]+) %((%d+)%)$")
            layout = { kind = tonumber(number), size = 0 }
            layouts[section or heading] = layout
        elseif at then
            at, bytes = tonumber(at), tonumber(bytes)
            assert(at == layout.size, "a gap or an overlap in the page's table before " .. name)
            layout[#layout + 1] = { at = at, bytes = bytes, name = name }
            layout.size = at + bytes
        end
    end
    return layouts
end

local function element(text, offset, layout)
    local row = {}
    for _, column in ipairs(layout) do
        if column.bytes <= 8 then
            row[column.name] = string.unpack("<I" .. column.bytes, text, offset + column.at + 1)
        else
            row[column.name] = text:sub(offset + column.at + 1, offset + column.at + column.bytes)
        end
    end
    return row
end

-- CRC-32C, a byte at a time.
local crc_table = {}
for byte = 0, 255 do
    local crc = byte
    for _ = 1, 8 do crc = crc & 1 == 1 and crc >> 1 ~ 0x82F63B78 or crc >> 1 end
    crc_table[byte] = crc
end
local function crc32c(text, first, last)
    local crc = 0xFFFFFFFF
    for at = first + 1, last do crc = crc >> 8 ~ crc_table[(crc ~ text:byte(at)) & 0xFF] end
    return crc ~ 0xFFFFFFFF
end
assert(crc32c("123456789", 0, 9) == 0xE3069283)

-- Head, table, sections: sections[name] = { count =, row = function(number) }.
local function open(text, layouts)
    local head = element(text, 0, layouts.Head)
    assert(text:sub(1, 8) == "\x89HUSK\r\n\x1A" and head.order == 0x01020304 and head.version == 1)
    assert(head.features == 0 and head.length == #text and not head.unused:find("[^\0]"))
    assert(head.crc == crc32c(text, 0, 60), "checksum of the head")
    local first, size = layouts.Head.size, layouts.Table.size
    local last = first + head.sections * size
    assert(head.table_crc == crc32c(text, first, last), "checksum of the table")
    local by_kind, sections, kind = {}, {}, 0
    for name, layout in pairs(layouts) do
        if layout.kind then by_kind[layout.kind] = name end
    end
    for number = 0, head.sections - 1 do
        local row = element(text, first + number * size, layouts.Table)
        local name = assert(by_kind[row.kind], "a section that the page does not have")
        local layout, length = layouts[name], row.count * row.item
        assert(row.kind > kind and row.item == layout.size, name)
        assert(row.offset % (length >= 4096 and 4096 or 64) == 0 and row.offset - last < 4096, name)
        assert(not text:sub(last + 1, row.offset):find("[^\0]"), "not zero before " .. name)
        assert(row.crc == crc32c(text, row.offset, row.offset + length), "checksum of " .. name)
        kind, last = row.kind, row.offset + length
        sections[name] = { offset = row.offset, layout = layout, count = row.count }
    end
    assert(last == #text)
    for name, layout in pairs(layouts) do
        if layout.kind then sections[name] = sections[name] or { offset = 0, layout = layout, count = 0 } end
    end
    return sections
end

local function describe(text, sections)
    local lines = {}
    local function say(...)
        local words = table.pack(...)
        for i = 1, words.n do words[i] = math.type(words[i]) == "integer" and ("%u"):format(words[i]) or words[i] end
        lines[#lines + 1] = table.concat(words, " ")
    end
    local function row(name, number)
        local section = sections[name]
        assert(number < section.count, name)
        return element(text, section.offset + number * section.layout.size, section.layout)
    end
    local function each(name)
        local number = -1
        return function()
            number = number + 1
            if number < sections[name].count then return number, row(name, number) end
        end
    end
    local function string_at(number)
        local from, to = row("STRING_OFF", number).offset, row("STRING_OFF", number + 1).offset
        local at = sections.STRINGS.offset
        assert(to > from and text:byte(at + to) == 0)
        return text:sub(at + from + 1, at + to - 1)
    end
    local function word(number)
        local plain = string_at(number):gsub("[^\x21-\x24\x26-\x7E]", function(c) return ("%%%02X"):format(c:byte()) end)
        return plain == "" and "-" or plain
    end
    -- The columns of a row from one name to another, in the page's order.
    local function numbers(name, of, from, to)
        local words, on = {}, false
        for _, column in ipairs(sections[name].layout) do
            on = on or column.name == from
            if on then words[#words + 1] = ("%u"):format(of[column.name]) end
            if column.name == to then break end
        end
        return table.concat(words, " ")
    end

    for _, r in each "META" do say("meta", word(r.key), word(r.value)) end
    for _, r in each "NUMBERS" do say("number", word(r.group), word(r.name), r.value) end
    for _, r in each "CLASSES" do say("class", numbers("CLASSES", r, "block_bytes", "used_bytes")) end
    for _, r in each "PASSES" do say("pass", numbers("PASSES", r, "kind", "longest_ns")) end
    for _, r in each "MAPS" do say("map", numbers("MAPS", r, "start", "swap"), word(r.path), word(r.permissions)) end

    for t, r in each "TYPES" do
        say("type", t, word(r.name), r.flags, r.size, r.instances)
        for f = 0, r.field_count - 1 do
            local field = row("FIELDS", r.field_first + f)
            say("field", t, f, word(field.name), field.kind, field.flags)
        end
    end

    local spills = {}
    for _, r in each "SPILL" do spills[r.node * 4 + r.column] = r.value end
    local function exact(node, column, value, full)
        if value ~= full then return value end
        return assert(spills[node * 4 + column], "no exact value")
    end
    local function site(of)
        return "R" .. (of & 0xFFFFFF) .. " E" .. (of >> 24)
    end
    local edge, indexed = 0, 0
    for n, r in each "NODES" do
        if sections.EDGE_OFF.count > 0 and n % 64 == 0 then
            assert(row("EDGE_OFF", n // 64).first == edge)
            assert(sections.EDGE_INDEX.count == 0 or row("EDGE_INDEX_OFF", n // 64).first == indexed)
        end
        local of = r.where & 0x7FFFF
        local degree = exact(n, 3, r.degree, 0xFF)
        local hidden = exact(n, 2, r.hidden, 0xFFFF)
        say("node", n, r.where >> 19 << 3, of, exact(n, 1, r.size, 0xFFFFFFFF), ("%d"):format(hidden), degree, r.flags,
            site(sections.NODE_SITE.count > 0 and row("NODE_SITE", n).site or 0))
        local first = row("TYPES", of).field_first
        for e = edge, edge + degree - 1 do
            local field = row("FIELDS", first + row("EDGE_FIELD", e).field)
            local index = ""
            if field.flags & 1 ~= 0 then
                index = row("EDGE_INDEX", indexed).index
                indexed = indexed + 1
                if field.flags & 2 ~= 0 then
                    field, index = row("FIELDS", first + index + 1), ""
                else
                    index = (" [%u]"):format(index)
                end
            end
            say("edge", row("EDGE_DST", e).node, word(field.name), field.kind .. index)
        end
        edge = edge + degree
    end
    assert(edge == sections.EDGE_DST.count and indexed == sections.EDGE_INDEX.count)
    for _, r in each "BLOCKS" do say("block", r.address, r.size, r.kind, site(r.site)) end

    for n, r in each "RECORDS" do
        local stack = row("STACKS", r.stack)
        say("record", n, numbers("RECORDS", r, "context", "peak_bytes"), stack.depth, stack.total)
        local at = r.stack
        while at ~= 0 do
            local f = row("FRAMES", row("STACKS", at).frame)
            say("frame", word(f.file), word(f["function"]), f.line, f.kind, f.module, f.address)
            at = row("STACKS", at).parent
        end
    end
    for n, r in each "CONTEXTS" do say("context", n, word(r.tag), word(r.domain), r.thread) end
    for n, r in each "MODULES" do say("module", n, word(r.path), word(r.build_id), r.start, r["end"], r.offset) end
    for _, r in each "THREADS" do say("thread", r.id, word(r.name)) end
    for _, r in each "EPOCHS" do say("epoch", r.start_ns, word(r.mark)) end
    lines[#lines + 1] = ""
    return table.concat(lines, "\n")
end

local page, path, program = table.unpack(arg)
local text = read(path)
local mine = describe(text, open(text, layouts_of(read(page))))
if not program then
    io.write(mine)
    return
end
local pipe = assert(io.popen(("'%s' '%s'"):format(program, path)))
local theirs = pipe:read("a")
assert(pipe:close(), "the program failed")
if mine ~= theirs then
    local next_mine, next_theirs = mine:gmatch("[^\n]*"), theirs:gmatch("[^\n]*")
    for number = 1, math.huge do
        local a, b = next_mine(), next_theirs()
        if a ~= b then
            error(("line %d: by the page \"%s\", by the library \"%s\""):format(number, tostring(a), tostring(b)))
        end
    end
end
print(("%s: %d facts"):format(path, select(2, mine:gsub("\n", ""))))
