-- husk.memory: what the system says of memory, of this process or of another one by its number, under the names of psutil
-- where they fit; and the balance sheet, which says where a process's memory went. Bytes are integers. What the system does
-- not tell is nil, never 0. Errors: HUSK_EMISSING (there is no such process, or the system does not tell), HUSK_EIO (it
-- refuses), HUSK_ESTATE (the process is a zombie or a part of the kernel).

local core = require "husk.core"
local default = require "husk.heap".default

local raw = core.memory
local memory = {}

-- A table of options, or nil: every name is among `known`.
local function check(where, options, known)
  if options == nil then return {} end
  if type(options) ~= "table" then
    core.fail(("husk.memory.%s: a table of options expected, got %s"):format(where, type(options)))
  end
  local names = {}
  for name in pairs(known) do names[#names + 1] = name end
  table.sort(names)
  for name, value in pairs(options) do
    local wanted = known[name]
    if not wanted then
      core.fail(("husk.memory.%s: unknown option '%s'; there are %s"):format(where, tostring(name), table.concat(names, ", ")))
    elseif type(value) ~= wanted then
      core.fail(("husk.memory.%s: option '%s': %s expected, got %s"):format(where, name, wanted, type(value)))
    end
  end
  return options
end

-- ---- a process ----

-- husk.memory.info(pid): what is cheap to know, a table: rss, vms, shared, text, data; peak_rss, peak_vms, rss_anon, rss_file,
-- rss_shmem, vm_swap, page_tables, locked, pinned, stack; the counts threads, minor_faults, major_faults. pid: nil for this
-- process. husk.memory.fields("process") says what each is.
function memory.info(pid) return (raw.process(pid, false)) end

-- husk.memory.full_info(pid): more, for which the kernel goes through all page tables and wants the right to trace the
-- process: uss (what its end would free), pss, swap, pss_anon, pss_file, pss_shmem, swap_pss, private_clean, private_dirty,
-- shared_clean, shared_dirty, referenced, anonymous, lazy_free, anon_huge, hugetlb; and all of info.
function memory.full_info(pid) return (raw.process(pid, true)) end

-- husk.memory.percent(field, pid): a field of full_info as a share of physical memory, in percent.
memory.percent = raw.percent

-- husk.memory.reset_peak(pid): makes the present resident memory the peak, peak_rss.
memory.reset_peak = raw.reset_peak

-- husk.memory.maps(pid, options): its mappings, a list of tables by address: path, permissions ("rw-p"), kind ("file",
-- "heap", "stack", "shared", "anonymous", "kernel"), start, end, bytes of address space, offset, inode, deleted, count; and
-- rss, pss, swap, private_dirty and others of husk.memory.fields("map"). Options: grouped, one entry for each path and kind,
-- the largest first; sizes = false leaves the numbers out, which is quicker; stacks = false does not look for the stacks of
-- threads (thread is the number of whose it is).
function memory.maps(pid, options)
  options = check("maps", options, {grouped = "boolean", sizes = "boolean", stacks = "boolean"})
  return raw.maps(pid, options.sizes ~= false, options.grouped, options.stacks ~= false)
end

-- husk.memory.threads(pid): its threads, a list of tables: id, name, state ("R", "S" ...), minor_faults, major_faults.
memory.threads = raw.threads

-- ---- around it ----

-- husk.memory.system(): the machine's memory: total, available, used, free, cached, swap_total, swap_used and others; the
-- pressure on it, some_10, full_60 and so on, in percent of the last seconds.
memory.system = raw.system

-- husk.memory.cgroup(pid): the control group that limits the process: path, version, limit (nil: none), current, peak,
-- oom_kills and others. HUSK_EMISSING: there is none.
memory.cgroup = raw.cgroup

-- husk.memory.native(): the C library's allocator in this process: used, free, mapped, taken and others. HUSK_EMISSING: it
-- does not tell.
memory.native = raw.native

-- husk.memory.trim(): asks it to give free memory back; returns by how many bytes resident memory fell. Heaps have
-- heap:trim().
memory.trim = raw.trim

-- husk.memory.fields(group): what numbers there are in "process", "system", "cgroup", "native" or "map": a list of tables,
-- name, unit ("bytes", "count", "percent", "microseconds") and text; nil if there is no such group.
memory.fields = raw.fields

-- ---- where it went ----

local Balance = {__name = "husk.Balance"}
function Balance:__tostring() return self.text end

-- husk.memory.balance(options): the balance sheet of this process: rows, a list of tables (group, name, bytes, counted,
-- shared, swapped, note) whose bytes add up to rss; verdict ("fine", "leak", "retention", "fragmentation") and evidence, one
-- line; and live, objects, held_free, pages, pages_sparse, sparse_free. tostring makes a text of it. Options: heaps, a list,
-- by default the default heap; before, an earlier sheet: growth since then tells a leak (live_before, objects_before,
-- milliseconds); trim = true gives back what can be, and tells how much (trimmed_heaps, trimmed_native, rss_trimmed); pid,
-- another process, of which the system's rows are known.
function memory.balance(options)
  options = check("balance", options, {heaps = "table", before = "table", trim = "boolean", pid = "number"})
  local before = options.before
  if before and getmetatable(before) ~= Balance then
    core.fail("husk.memory.balance: option 'before': an earlier sheet expected")
  end
  local heaps = options.heaps or (options.pid and {} or {default})
  for i, heap in ipairs(heaps) do
    if core.kind(heap) ~= "heap" then
      core.fail(("husk.memory.balance: option 'heaps': a list of heaps expected, number %d is %s"):format(i, type(heap)))
    end
  end
  return setmetatable(raw.balance(options.pid, options.trim, before and before.sheet or nil, table.unpack(heaps)), Balance)
end

return memory
