## work.nim ROW SIZE SAMPLES: the work as one writes it in Nim with ORC; ../work says what each row does.
##
## ORC looks only at suspects: objects that lost a reference and lived on. Before a full collection of a heap that lives the
## root becomes one, so that everything it holds is looked at. What a collection freed is told by the memory in use.
## "trees" collects after each tree, which keeps its memory lowest; "trees_auto" leaves it to ORC when.

import std/[monotimes, os, strutils, posix, strformat]

type
  Node = ref object
    refs: array[2, Node]
    number: int64
  Branch = ref object
    refs: array[3, Branch]
    number: int64

proc now(): int64 = getMonoTime().ticks

proc threadTime(): int64 =
  var t: Timespec
  discard clock_gettime(CLOCK_THREAD_CPUTIME_ID, t)
  int64(t.tv_sec) * 1_000_000_000 + int64(t.tv_nsec)

proc figure(name: string, value: float) = echo &"{name} {value:.4f}"

proc sample(name: string, ns: int64, operations: int) = figure(name, float(ns) / float(operations))

proc printSum(sum: uint32) = echo "sum ", sum

proc mix(sum: uint32, number: int64): uint32 = sum * 31 + uint32(number and 0xFFFFFFFF)

proc check(done: bool, what: string) =
  if not done: quit("the work was not done: " & what, 1)

proc field(name: string): float =
  for line in lines("/proc/self/status"):
    if line.startsWith(name): return parseFloat(line.splitWhitespace[1]) * 1024

var state = 42'u32

proc below(limit: int): int =
  ## Marsaglia's xorshift of 32 bits, as everywhere.
  state = state xor (state shl 13)
  state = state xor (state shr 17)
  state = state xor (state shl 5)
  int((uint64(state) * uint64(limit)) shr 32)

# ---- the graph ----

proc shuffled(count: int): seq[uint32] =
  result = newSeq[uint32](count)
  for i in 0 ..< count:
    let j = below(i + 1)
    result[i] = result[j]
    result[j] = uint32(i)

proc plan(count: int): (seq[uint32], int) =
  var
    to = newSeq[uint32](2 * count)
    slot = newSeq[uint32](2 * count)
    slots = 0
    rooted = false
  let order = shuffled(count)
  let root = int(order[0])
  for i in 0 ..< count:
    if i > 0:
      let pick = below(slots)
      to[slot[pick]] = order[i]
      dec slots
      slot[pick] = slot[slots]
    slot[slots] = 2 * order[i]
    slot[slots + 1] = 2 * order[i] + 1
    slots += 2
  while slots > 0:
    dec slots
    let place = int(slot[slots])
    let source = place shr 1
    var target = root
    if rooted or source == root:
      target = below(count)
      while target == source: target = below(count)
    rooted = rooted or target == root
    to[place] = uint32(target)
  (to, root)

proc age(at: var seq[Node], to: seq[uint32]) =
  let count = at.len
  var
    start = newSeq[int](count + 1)
    into = newSeq[int](2 * count)
    done = newSeq[int](count)
  for target in to: inc start[int(target) + 1]
  for i in 0 ..< count: start[i + 1] += start[i]
  for edge, target in to:
    into[start[target] + done[target]] = edge
    inc done[target]
  for round in 1 .. 3:
    for number in shuffled(count):
      let i = int(number)
      let fresh = Node(number: i)
      fresh.refs[0] = at[to[2 * i]]
      fresh.refs[1] = at[to[2 * i + 1]]
      for e in start[i] ..< start[i + 1]:
        at[into[e] shr 1].refs[into[e] and 1] = fresh
      at[i] = fresh

proc build(count: int, aged: bool): (seq[Node], Node) =
  let (to, root) = plan(count)
  var at = newSeq[Node](count)
  for i in 0 ..< count: at[i] = Node(number: i)
  for i in 0 ..< count:
    at[i].refs[0] = at[to[2 * i]]
    at[i].refs[1] = at[to[2 * i + 1]]
  if aged: age(at, to)
  let first = at[root]
  (move at, first)

proc graphSum(root: Node, count: int): uint32 =
  var
    found = newSeqOfCap[ptr typeof(root[])](count)
    marked = newSeq[bool](count)
    done = 0
  found.add addr root[]
  marked[root.number] = true
  while done < found.len:
    let o = found[done]
    inc done
    result = mix(result, o.number)
    for k in 0 .. 1:
      let number = o.refs[k].number
      if not marked[number]:
        marked[number] = true
        found.add addr o.refs[k][]
  check(found.len == count, "the root holds all objects")

var place: Node # a global one: the compiler may not join the two assignments

proc suspect(root: Node) =
  place = root
  place = nil

proc alive(name: string, size, samples: int, held, aged: bool) =
  GC_disableOrc()
  var (at, root) = build(size, aged)
  if not held: at = @[]
  GC_runOrc() # what the building left
  for s in 0 .. samples:
    suspect(root)
    let before = getOccupiedMem()
    let start = now()
    GC_runOrc()
    let ns = now() - start
    # The list of suspects goes with the collection; graphSum sees whether all objects are there.
    check(before - getOccupiedMem() < 65536 + size, "nothing of the living graph is collected")
    if s > 0: sample(name, ns, size)
  for i, o in at: check(o.number == i, "what is held lives")
  printSum(graphSum(root, size))

# ---- garbage ----

proc makePairs(count: int): uint32 =
  for i in countup(0, count - 2, 2):
    let
      one = Node(number: i)
      other = Node(number: i + 1)
    one.refs[0] = other
    result = mix(result, one.number + other.number)
    other.refs[0] = one

proc makeCircle(count: int): uint32 =
  let first = Node(number: 0)
  var last = first
  for i in 1 ..< count:
    let o = Node(number: i)
    result = mix(result, o.number)
    o.refs[0] = last
    last = o
  first.refs[0] = last

proc garbage(name: string, make: proc (count: int): uint32 {.nimcall.}, size, samples: int) =
  let count = size div 2 * 2
  var sum = 0'u32
  GC_disableOrc()
  GC_runOrc()
  let empty = getOccupiedMem()
  for s in 0 .. samples:
    sum = make(count)
    let start = now()
    GC_runOrc()
    let ns = now() - start
    check(getOccupiedMem() - empty < 4096 + count div 2, "the garbage is collected")
    if s > 0: sample(name, ns, count)
  printSum(sum)

# ---- trees, churn ----

var treeSum = 0'u32
var treeNumber = 0

proc grow(depth: int): Branch =
  result = Branch(number: treeNumber)
  inc treeNumber
  treeSum = mix(treeSum, result.number)
  if depth > 0:
    for k in 0 .. 1:
      let child = grow(depth - 1)
      child.refs[2] = result
      result.refs[k] = child

proc walk(t: Branch, sum: uint32): uint32 =
  result = mix(sum, t.number)
  for k in 0 .. 1:
    if t.refs[k] != nil:
      check(t.refs[k].refs[2] == t, "a child knows its parent")
      result = walk(t.refs[k], result)

proc trees(name: string, size: int, eachTree: bool) =
  let before = field("VmRSS")
  let kept = grow(size)
  let nodes = treeNumber
  treeNumber = 0
  treeSum = 0
  let start = now()
  for i in 1 .. 20:
    discard grow(size)
    if eachTree: GC_runOrc()
  GC_runOrc()
  let ns = now() - start
  sample(name, ns, treeNumber)
  figure(name & "_peak", field("VmHWM") - before)
  check(treeNumber == 20 * nodes, "all trees have their nodes")
  printSum(walk(kept, treeSum))

proc makePair(i: int, sum: uint32): uint32 =
  let
    one = Node(number: 2 * i)
    other = Node(number: 2 * i + 1)
  one.refs[0] = other
  result = mix(sum, one.number + other.number)
  other.refs[0] = one

proc churnGraph(size: int): Node = build(size, false)[1]

proc churn(size: int) =
  let before = field("VmRSS")
  let root = churnGraph(size)
  let pairs = size * 10 div 2
  var sum = 0'u32
  let start = now()
  for i in 0 ..< pairs: sum = makePair(i, sum)
  let ns = now() - start
  sample("churn", ns, 2 * pairs)
  figure("churn_peak", field("VmHWM") - before)
  printSum(sum + graphSum(root, size))

proc pauses(size: int) =
  let root = churnGraph(size)
  var
    sum = 0'u32
    longest = 0'i64
    last = threadTime()
  for i in 0 ..< size * 10 div 2:
    sum = makePair(i, sum)
    if i mod 16 == 15:
      let time = threadTime()
      longest = max(longest, time - last)
      last = time
  figure("pauses", float(longest) / 1e6)
  printSum(sum + graphSum(root, size))

# ---- births, lists ----

proc birthOne(i: int): uint32 {.noinline.} =
  let o = Node(number: i)
  uint32(o.number)

proc birth(size, samples: int) =
  var sum = 0'u32
  for s in 0 .. samples:
    sum = 0
    let start = now()
    for i in 0 ..< size: sum += birthOne(i)
    let ns = now() - start
    if s > 0: sample("birth", ns, size)
  printSum(sum)

proc ring(size, samples: int) =
  var places = newSeq[Node](1000)
  let turns = (size + 999) div 1000
  var sum = 0'u32
  for i in 0 ..< 1000: places[i] = Node(number: 0)
  for s in 0 .. samples:
    sum = 0
    let start = now()
    for turn in 1 .. turns:
      for i in 0 ..< 1000:
        sum += uint32(places[i].number)
        places[i] = Node(number: i)
    let ns = now() - start
    if s > 0: sample("ring", ns, turns * 1000)
  printSum(sum)

proc buildList(size: int): Node =
  for i in 0 ..< size:
    let o = Node(number: i)
    o.refs[0] = move result
    result = o

proc listSum(head: Node): uint32 =
  var o {.cursor.} = head
  while o != nil:
    result = mix(result, o.number)
    o = o.refs[0]

proc list(size, samples: int) =
  var sum = 0'u32
  GC_disableOrc()
  for s in 0 .. samples:
    var start = now()
    var head = buildList(size)
    let built = now() - start
    sum = listSum(head)
    start = now()
    head = nil
    let dropped = now() - start
    GC_runOrc()
    if s > 0:
      sample("list_build", built, size)
      sample("list_drop", dropped, size)
  printSum(sum)

proc bytes(size: int) =
  let before = field("VmRSS")
  let head = buildList(size)
  figure("bytes", (field("VmRSS") - before) / float(size))
  suspect(head)
  GC_runOrc()
  figure("bytes_after", (field("VmRSS") - before) / float(size))
  printSum(listSum(head))

const rows = ["held", "live", "aged", "pairs", "circle", "trees", "trees_auto", "churn", "pauses", "birth", "ring", "list",
  "bytes"]

proc main() =
  if paramCount() == 1 and paramStr(1) == "--list":
    echo "Nim ", NimVersion, " with ORC"
    for row in rows: echo row
    return
  if paramCount() != 3 or paramStr(1) notin rows: quit("usage: ROW SIZE SAMPLES, or --list", 2)
  let size = parseInt(paramStr(2))
  let samples = parseInt(paramStr(3))
  case paramStr(1)
  of "held": alive("held", size, samples, true, false)
  of "live": alive("live", size, samples, false, false)
  of "aged": alive("aged", size, samples, false, true)
  of "pairs": garbage("pairs", makePairs, size, samples)
  of "circle": garbage("circle", makeCircle, size, samples)
  of "trees": trees("trees", size, true)
  of "trees_auto": trees("trees_auto", size, false)
  of "churn": churn(size)
  of "pauses": pauses(size)
  of "birth": birth(size, samples)
  of "ring": ring(size, samples)
  of "list": list(size, samples)
  of "bytes": bytes(size)
  else: discard

main()
