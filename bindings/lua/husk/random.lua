-- husk.random: random numbers with a state of their own that are the same on every machine, for husk.workload. The method
-- is SplitMix64 (G. L. Steele, D. Lea, C. H. Flood, Fast Splittable Pseudorandom Number Generators, 2014). Floats are made
-- by exact steps and comparisons only: no function of the C library rounds here.

local Random = {__name = "husk.Random"}
Random.__index = Random

-- The next 64 bits.
function Random:next()
  self.state = self.state + 0x9E3779B97F4A7C15
  local z = self.state
  z = (z ~ (z >> 30)) * 0xBF58476D1CE4E5B9
  z = (z ~ (z >> 27)) * 0x94D049BB133111EB
  return z ~ (z >> 31)
end

-- From 1 to n, each equally often: what the last, incomplete run of n numbers would add is drawn again. 63 bits, so that
-- all is positive.
function Random:below(n)
  local top = math.maxinteger - math.maxinteger % n
  local bits
  repeat bits = self:next() >> 1 until bits < top
  return bits % n + 1
end

function Random:unit() return (self:next() >> 11) * 0x1p-53 end

function Random:chance(share) return self:unit() < share end

function Random:pick(list) return list[self:below(#list)] end

-- By comparisons (J. von Neumann, Various Techniques Used in Connection with Random Digits, 1951): the whole part counts
-- the runs of falling numbers with an even length, the rest is the first number of the one that is odd.
function Random:exponential()
  local whole = 0
  while true do
    local first = self:unit()
    local last, length = first, 1
    while true do
      local drawn = self:unit()
      if drawn >= last then break end
      last, length = drawn, length + 1
    end
    if length % 2 == 1 then return whole + first end
    whole = whole + 1
  end
end

return {new = function(seed) return setmetatable({state = math.tointeger(seed or 1)}, Random) end}
