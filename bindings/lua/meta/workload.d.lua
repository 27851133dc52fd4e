---@meta husk.workload
--- husk.workload, for the Lua language server: see husk.d.lua.

---@class husk.Random
---@field below fun(self: husk.Random, n: integer): integer
---@field unit fun(self: husk.Random): number
---@field chance fun(self: husk.Random, share: number): boolean
---@field exponential fun(self: husk.Random): number
---@field pick fun(self: husk.Random, list: table): any

--- A graph of records: what it has, and the handles from which all of it is reached.
---@class husk.Graph
---@field roots table
---@field numbers integer[]
---@field objects integer
---@field edges integer
---@field cyclic integer
---@field class table
local Graph = {}

---@class husk.Churn
---@field root husk.List
---@field births integer
---@field deaths integer
---@field live integer
---@field garbage integer
local Churn = {}

---@class husk.Cache
---@field map table
---@field held husk.List
---@field hits integer
---@field misses integer
---@field entries integer
local Cache = {}

---@class husk.Cycles
---@field graph husk.Graph
---@field rings integer
---@field garbage integer
local Cycles = {}

--- A random program; see docs/workloads.md.
---@class husk.Sequence
---@field steps table[]
---@field seed integer

---@class husk.workload
local workload = {}

--- A generator of random numbers that are the same on every machine.
---@param seed integer?
---@return husk.Random
function workload.random(seed) end

--- A graph: shape, n, degree, parents, seed, heap.
---@param options table?
---@return husk.Graph
function workload.graph(options) end

--- Ends the handles of the roots.
function Graph:release() end

--- A complete tree: depth, fanout, parents, seed, heap.
---@param options table?
---@return husk.Graph
function workload.tree(options) end

--- Objects that are born and die: live, lifetime, cycles, seed, heap.
---@param options table?
---@return husk.Churn
function workload.churn(options) end

--- So many births, with the deaths that are due.
---@param births integer?
---@return husk.Churn
function Churn:step(births) end

--- Ends the handle of the list.
function Churn:release() end

--- A weak-value map before a working set: keys, working_set, hot, seed, heap.
---@param options table?
---@return husk.Cache
function workload.cache(options) end

--- Asks for a key; whether it was there.
---@param key integer?
---@return boolean
function Cache:lookup(key) end

--- So many random lookups.
---@param lookups integer?
---@return husk.Cache
function Cache:step(lookups) end

--- Ends its handles.
function Cache:release() end

--- Short-lived rings beside a live set: live, length, seed, heap.
---@param options table?
---@return husk.Cycles
function workload.cycles(options) end

--- Makes so many rings and lets go of them.
---@param rings integer?
---@return husk.Cycles
function Cycles:step(rings) end

--- Ends the handles of the live set.
function Cycles:release() end

--- A random program: seed, length, registers, ops, prelude, check, heap, leaks.
---@param options table?
---@return husk.Sequence
function workload.sequence(options) end

--- Runs it in a fresh heap: true; or false and what failed. Third, the steps that were done.
---@param sequence husk.Sequence
---@param check string|function|nil
---@return boolean, {step: integer, message: string, text: string}?, integer[]
function workload.run(sequence, check) end

--- The program as a script that needs husk alone.
---@param sequence husk.Sequence
---@param options {run: boolean}?
---@return string
function workload.tolua(sequence, options) end

--- The failing program without what the failure does not need.
---@param sequence husk.Sequence
---@param fails (fun(program: husk.Sequence): boolean)?
---@return husk.Sequence
function workload.shrink(sequence, fails) end

--- Tries seeds; of the first program that fails the shrunk script, the failure, the program.
---@param options table?
---@return string?, table?, husk.Sequence?
function workload.explore(options) end

return workload
