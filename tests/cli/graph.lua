-- The figures of lua/examples/packages.lua, computed another way: the whole file is cut by patterns, the
-- graph is plain tables, and Tarjan's components say what is in a cycle. Used by the tests of the command
-- line.

local graph = {}

-- path -> {packages, references, absent, at_once, behind}
function graph.figures(path)
  local file = assert(io.open(path))
  local text = "\n" .. file:read("a"):gsub("\n[ \t]+", " ") .. "\n\n" -- continuation lines joined
  file:close()
  local nodes, by_name, by_provided = {}, {}, {}
  for paragraph in text:gsub("\n\n+", "\n\n\n"):gmatch("\n(Package:.-\n)\n") do
    paragraph = "\n" .. paragraph .. "\n"
    local function field(name) return paragraph:match("\n" .. name:gsub("%-", "%%-") .. ":[ \t]*([^\n]*)") or "" end
    local status = field("Status")
    if status == "" or status:match(" installed%s*$") then
      local node = {name = field("Package"), pre = field("Pre-Depends"), post = field("Depends"), out = {}}
      nodes[#nodes + 1] = node
      by_name[node.name] = by_name[node.name] or node
      for name in field("Provides"):gmatch("([%w][%w+.-]*)[^,]*") do
        by_provided[name] = by_provided[name] or node
      end
    end
  end

  local references, absent = 0, 0
  for _, node in ipairs(nodes) do
    local linked = {[node] = true}
    for _, clause_list in ipairs{node.pre, node.post} do
      for clause in (clause_list .. ","):gmatch("%s*([^,]-)%s*,") do
        if clause ~= "" then
          local target
          for choice in (clause .. "|"):gmatch("%s*([^|]-)%s*|") do
            local name = choice:gsub("[%s:(].*", "")
            target = target or by_name[name] or by_provided[name]
          end
          if not target then
            absent = absent + 1
          elseif not linked[target] then
            linked[target] = true
            node.out[#node.out + 1] = target
            references = references + 1
          end
        end
      end
    end
  end

  -- Tarjan, with a stack of its own: frames are {node, next edge}.
  local clock, stack, behind = 0, {}, {}
  for _, root in ipairs(nodes) do
    local frames = {}
    local function enter(node)
      clock = clock + 1
      node.index, node.low, node.open = clock, clock, true
      stack[#stack + 1] = node
      frames[#frames + 1] = {node, 0}
    end
    if not root.index then enter(root) end
    while #frames > 0 do
      local frame = frames[#frames]
      local node = frame[1]
      frame[2] = frame[2] + 1
      local next = node.out[frame[2]]
      if next then
        if not next.index then
          enter(next)
        elseif next.open then
          node.low = math.min(node.low, next.index)
        end
      else
        frames[#frames] = nil
        if #frames > 0 then frames[#frames][1].low = math.min(frames[#frames][1].low, node.low) end
        if node.low == node.index then
          local members = {}
          repeat
            local member = table.remove(stack)
            member.open = false
            members[#members + 1] = member
          until member == node
          if #members > 1 then
            for _, member in ipairs(members) do behind[member] = true end
          end
        end
      end
    end
  end

  -- And all that the members of cycles reach.
  local queue, count = {}, 0
  for node in pairs(behind) do queue[#queue + 1] = node end
  while #queue > 0 do
    local node = table.remove(queue)
    count = count + 1
    for _, next in ipairs(node.out) do
      if not behind[next] then
        behind[next] = true
        queue[#queue + 1] = next
      end
    end
  end
  return {packages = #nodes, references = references, absent = absent, at_once = #nodes - count, behind = count}
end

return graph
