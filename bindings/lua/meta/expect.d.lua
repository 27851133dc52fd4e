---@meta husk.expect
--- husk.expect, for the Lua language server: see husk.d.lua.

--- What an expectation that is not met raises.
---@class husk.Failure
---@field message string
---@field where string of the script, with a colon and a space behind it; or ""
---@field code string "EXPECT"

--- Options of no_growth.
---@class husk.NoGrowth
---@field rounds integer? calls of a window; 100
---@field windows integer? 4
---@field warmup integer? calls before the first window; as many as one has
---@field heap husk.Heap? the default heap
---@field args any[]? what fn is called with: handles, whose references are counted
---@field tolerance number? objects of one type that may grow in a round; 0
---@field bytes number? bytes that may grow in a round; 1
---@field ledger boolean|husk.Class|(husk.Class|string)[]|nil types that a ledger is to be kept of

--- What was looked at, in the last look of no_growth.
---@class husk.Look
---@field rounds integer calls before it
---@field objects table<string, {count: integer, bytes: integer}> by type
---@field args integer[] the references to each argument
---@field files table<integer, string> what is open, by number
---@field heap integer bytes of objects and buffers
---@field native integer|false bytes of the native heap; false: nobody tells
---@field teller "allocator"|"preload"|"sanitizer"|false who tells that
---@field lua integer bytes of Lua's memory
---@field resident integer resident memory

--- Counts of objects at one moment.
---@class husk.Mark
local Mark = {}

---@class husk.expect
local expect = {}

--- Whether an error is an expectation that was not met.
---@param e any
---@return boolean
function expect.is_failure(e) end

--- fn(...) is called with a ledger of these types: expectations in it that are not met tell the retains that were never paired.
---@param types any true for all, a class, or a list of classes and names, in which heap may be another heap
---@param fn function
---@param ... any
---@return any ... what fn returns
function expect.ledger(types, fn, ...) end

--- A value is true in a condition.
---@param value any
---@param text string? what was wanted
---@return any value
function expect.that(value, text) end

--- Two values are equal, as by ==; NaN equals NaN.
---@param got any
---@param wanted any
---@param text string?
function expect.equal(got, wanted, text) end

--- fn(...) raises an error whose text has the pattern, or whose code it is.
---@param pattern string
---@param fn function
---@param ... any
---@return any error
function expect.raises(pattern, fn, ...) end

--- The object of a weak reference, or of a handle, is gone.
---@param x husk.Weak|husk.Object
function expect.dead(x) end

--- There are n references to an object, the handle not counted.
---@param x husk.Object
---@param n integer
function expect.count(x, n) end

--- Counts the objects of a heap.
---@param heap husk.Heap?
---@return husk.Mark
function expect.mark(heap) end

--- Since the mark, the objects of a class have become n more.
---@param class any a class, or the name of a type
---@param n integer
function Mark:growth(class, n) end

--- Around fn(...), the objects of a class have become n more.
---@param class any a class, or the name of a type
---@param n integer
---@param fn function
---@param ... any
---@return any ... what fn returns
function expect.growth(class, n, fn, ...) end

--- While fn(...) runs, and at its end, no pass takes longer.
---@param ms number
---@param fn function
---@param ... any
---@return any ... what fn returns
function expect.pause_below(ms, fn, ...) end

--- fn is called again and again, and nothing becomes more.
---@param fn function
---@param options husk.NoGrowth?
---@return husk.Look
function expect.no_growth(fn, options) end

return expect
