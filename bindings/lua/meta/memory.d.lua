---@meta husk.memory
--- husk.memory, for the Lua language server: see husk.d.lua. tests/lua/memory.lua holds the fields against those that
--- the library knows.

--- The memory of a process. What is not told is nil.
---@class husk.ProcessMemory
---@field rss integer? resident memory
---@field vms integer? address space
---@field shared integer? resident, of files or shared memory
---@field text integer? address space of the program's code
---@field data integer? address space of data and stacks
---@field peak_rss integer? highest resident memory (VmHWM)
---@field peak_vms integer? highest address space (VmPeak)
---@field rss_anon integer? resident, of no file
---@field rss_file integer? resident, of files
---@field rss_shmem integer? resident, shared memory
---@field vm_swap integer? swapped out, shared memory left out (VmSwap)
---@field page_tables integer? the kernel's page tables for it (VmPTE)
---@field locked integer? locked in memory (VmLck)
---@field pinned integer? pinned, for devices (VmPin)
---@field stack integer? address space of the first thread's stack (VmStk)
---@field threads integer? threads
---@field minor_faults integer? page faults served from memory
---@field major_faults integer? page faults that waited for a disk

--- And what the kernel has to go through all page tables for.
---@class husk.FullMemory: husk.ProcessMemory
---@field uss integer? resident, of this process alone: what its end would free
---@field pss integer? resident, shared pages divided by their users
---@field swap integer? swapped out
---@field pss_anon integer? pss of no file
---@field pss_file integer? pss of files
---@field pss_shmem integer? pss of shared memory
---@field swap_pss integer? swapped out, shared pages divided by their users
---@field private_clean integer? of this process alone, as in the file
---@field private_dirty integer? of this process alone, written
---@field shared_clean integer? of several processes, as in the file
---@field shared_dirty integer? of several processes, written: forked, not yet copied
---@field referenced integer? used since the system last looked
---@field anonymous integer? resident, of no file, copied pages of files included
---@field lazy_free integer? given up, still counted until the system needs it
---@field anon_huge integer? of no file, in large pages
---@field hugetlb integer? private pages of hugetlbfs, not in rss

--- The machine's memory.
---@class husk.SystemMemory
---@field total integer? physical memory
---@field available integer? can be had without swapping, the kernel's estimate
---@field used integer? total less available
---@field free integer? in no use at all
---@field buffers integer? buffers of block devices
---@field cached integer? contents of files
---@field shared integer? shared memory and tmpfs
---@field active integer? used lately
---@field inactive integer? not used lately
---@field anonymous integer? of processes and no file
---@field mapped integer? files mapped by processes
---@field dirty integer? to be written to disk
---@field slab integer? the kernel's own objects
---@field reclaimable integer? of slab: what the kernel gives back when memory is wanted
---@field page_tables integer? the kernel's page tables
---@field committed integer? promised to processes
---@field commit_limit integer? most that may be promised under a strict policy
---@field swap_total integer? swap space; 0: there is none
---@field swap_free integer? swap space not in use
---@field swap_used integer? swap space in use
---@field swap_cached integer? in swap and in memory
---@field swap_in integer? read from swap since the machine started
---@field swap_out integer? written to swap since the machine started
---@field oom_kills integer? processes killed for want of memory since the machine started
---@field some_10 number? share of the last 10 s in which some task waited for memory
---@field some_60 number? the same, 60 s
---@field some_300 number? the same, 300 s
---@field some_time integer? the same, all the time together
---@field full_10 number? share of the last 10 s in which all tasks waited for memory
---@field full_60 number? the same, 60 s
---@field full_300 number? the same, 300 s
---@field full_time integer? the same, all the time together

--- The control group that limits a process.
---@class husk.CgroupMemory
---@field path string
---@field version integer? 1 or 2
---@field limit integer? the tightest limit of it and the groups above (max)
---@field high integer? from here on it is slowed down (high; version 1: soft limit)
---@field current integer? in use, file contents included
---@field peak integer? highest use
---@field swap_limit integer? limit of swap (version 1: of memory and swap together)
---@field swap_current integer? swap in use (version 1: memory and swap together)
---@field anonymous integer? of no file
---@field file integer? contents of files
---@field kernel integer? the kernel's, on its behalf
---@field shmem integer? shared memory
---@field inactive_file integer? contents of files not used lately: goes first
---@field high_events integer? times it was slowed down
---@field max_events integer? times it ran into its limit (version 1: failcnt)
---@field oom_events integer? times memory could not be had
---@field oom_kills integer? processes killed for it
---@field some_10 number? share of the last 10 s in which some task waited for memory
---@field some_60 number? the same, 60 s
---@field some_300 number? the same, 300 s
---@field some_time integer? the same, all the time together
---@field full_10 number? share of the last 10 s in which all tasks waited for memory
---@field full_60 number? the same, 60 s
---@field full_300 number? the same, 300 s
---@field full_time integer? the same, all the time together

--- The C library's allocator.
---@class husk.NativeMemory
---@field used integer? in blocks handed out, their headers included
---@field free integer? in free blocks, kept for reuse
---@field mapped integer? of used: large blocks with a mapping of their own
---@field mapped_blocks integer? large blocks with a mapping of their own
---@field taken integer? had from the system: used and free
---@field top integer? of free: at the end of the heap, can go back at once

--- A mapping, or several of one path and kind.
---@class husk.Mapping
---@field path string "" if it has none
---@field permissions string "rw-p"
---@field kind "file"|"heap"|"stack"|"shared"|"anonymous"|"kernel"
---@field start integer
---@field end integer
---@field bytes integer of address space
---@field offset integer in the file
---@field inode integer
---@field count integer mappings in it
---@field deleted boolean the file has no name any more
---@field thread integer? whose stack it is
---@field rss integer? resident
---@field pss integer? resident, shared pages divided by their users
---@field shared_clean integer? of several processes, as in the file
---@field shared_dirty integer? of several processes, written
---@field private_clean integer? of this process alone, as in the file
---@field private_dirty integer? of this process alone, written
---@field referenced integer? used since the system last looked
---@field anonymous integer? of no file, copied pages of a file included
---@field lazy_free integer? given up, still counted until the system needs it
---@field anon_huge integer? of no file, in large pages
---@field swap integer? swapped out
---@field swap_pss integer? swapped out, shared pages divided by their users
---@field locked integer? locked in memory

--- A thread.
---@class husk.ThreadMemory
---@field id integer
---@field name string
---@field state string "R" runs, "S" sleeps ...
---@field minor_faults integer
---@field major_faults integer

--- A number that there is.
---@class husk.MemoryField
---@field name string
---@field unit "bytes"|"count"|"percent"|"microseconds"
---@field text string what it is

--- A row of a balance sheet.
---@class husk.BalanceRow
---@field group "husk"|"native"|"system"|"rest"
---@field name string
---@field bytes integer resident: all rows together are rss
---@field counted integer what its owner counts, resident or not
---@field shared integer of bytes, in pages that other processes have too
---@field swapped integer
---@field note string

--- Where a process's memory went. tostring makes a text of it.
---@class husk.Balance
---@field rows husk.BalanceRow[]
---@field rss integer
---@field rss_statm integer? what statm said before
---@field verdict "fine"|"leak"|"retention"|"fragmentation"
---@field evidence string
---@field text string
---@field live integer bytes of live objects and buffers
---@field objects integer
---@field live_before integer? in the sheet before
---@field objects_before integer?
---@field milliseconds integer? since then
---@field held_free integer free and resident
---@field pages integer of size classes
---@field pages_sparse integer less than a quarter alive
---@field sparse_free integer bytes free in those
---@field trimmed_heaps integer? what heaps gave back
---@field trimmed_native integer? what the native heap gave back
---@field rss_trimmed integer? resident memory afterwards
---@field sheet userdata

--- What the system says of memory, of this process or of another one by its number, and the balance sheet.
---@class husk.memory
local memory = {}

--- What is cheap to know. pid: nil for this process.
---@param pid? integer
---@return husk.ProcessMemory
function memory.info(pid) end

--- More, for which the kernel goes through all page tables and wants the right to trace the process.
---@param pid? integer
---@return husk.FullMemory
function memory.full_info(pid) end

--- A field of full_info as a share of physical memory, in percent.
---@param field string
---@param pid? integer
---@return number
function memory.percent(field, pid) end

--- Makes the present resident memory the peak, peak_rss.
---@param pid? integer
function memory.reset_peak(pid) end

--- Its mappings by address; grouped: one entry for each path and kind, the largest first. sizes = false leaves the
--- numbers out, stacks = false does not look for the stacks of threads.
---@param pid? integer
---@param options? { grouped: boolean?, sizes: boolean?, stacks: boolean? }
---@return husk.Mapping[]
function memory.maps(pid, options) end

--- Its threads.
---@param pid? integer
---@return husk.ThreadMemory[]
function memory.threads(pid) end

--- The machine's memory.
---@return husk.SystemMemory
function memory.system() end

--- The control group that limits the process. HUSK_EMISSING: there is none.
---@param pid? integer
---@return husk.CgroupMemory
function memory.cgroup(pid) end

--- The C library's allocator in this process. HUSK_EMISSING: it does not tell.
---@return husk.NativeMemory
function memory.native() end

--- Asks it to give free memory back; returns by how many bytes resident memory fell.
---@return integer
function memory.trim() end

--- What numbers there are in "process", "system", "cgroup", "native" or "map"; nil if there is no such group.
---@param group string
---@return husk.MemoryField[]?
function memory.fields(group) end

--- The balance sheet of this process: rows whose bytes add up to rss, a verdict and its evidence. heaps: the default
--- heap if nil; before: an earlier sheet, growth since then tells a leak; trim: give back what can be; pid: another
--- process, of which the system's rows are known.
---@param options? { heaps: husk.Heap[]?, before: husk.Balance?, trim: boolean?, pid: integer? }
---@return husk.Balance
function memory.balance(options) end
