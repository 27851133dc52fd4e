// readers.mjs FOLDER NAME...: exports read by the packages of their own viewers, and compared with the JSON dumps.
import { createReadStream, readFileSync } from 'node:fs'
import { isDeepStrictEqual, inspect } from 'node:util'
import { createRequire } from 'node:module'
import Ajv from 'ajv'
import { parse } from 'heap-snapshot-toolkit'
import { Profile } from 'pprof-format'

const require = createRequire(import.meta.url)
const [folder, ...names] = process.argv.slice(2)
let checks = 0

function same(got, wanted, what) {
  checks++
  if (!isDeepStrictEqual(got, wanted)) {
    console.error(`${what}: ${inspect(got)} instead of ${inspect(wanted)}`)
    process.exit(1)
  }
}

// A control character as a profile has it.
const shown = text => [...text].map(c => c < ' ' || c === '\x7f' ? '\\x' + c.charCodeAt(0).toString(16).padStart(2, '0') : c).join('')
const sum = list => list.reduce((a, b) => a + b, 0)
const read = name => JSON.parse(readFileSync(`${folder}/${name}.json`, 'utf8'))
const sizes = dump => [...dump.objects, ...dump.blocks].map(thing => Number(thing.size))

// ---- pprof ----

function readPprof(name, dump) {
  const profile = Profile.decode(readFileSync(`${folder}/${name}.pb`))
  const text = n => profile.stringTable.strings[Number(n)]
  same(profile.sampleType.map(t => text(t.type) + '/' + text(t.unit)),
    ['alloc_objects/count', 'alloc_space/bytes', 'inuse_objects/count', 'inuse_space/bytes'], name + ': types')
  const column = n => sum(profile.sample.map(s => Number(s.value[n])))
  same(column(2), dump.objects.length + dump.blocks.length, name + ': inuse_objects')
  same(column(3), sum(sizes(dump)), name + ': inuse_space')
  const born = dump.records.map((r, n) => n ? Number(r.born_bytes) : 0)
  const untraced = [...dump.objects, ...dump.blocks].filter(t => !t.record).map(t => Number(t.size))
  same(column(1), sum(born) + sum(untraced) + Number(dump.records[0].died_bytes), name + ': alloc_space')
  const locations = new Set(profile.location.map(l => Number(l.id)))
  same(profile.sample.every(s => s.locationId.length > 0 && s.locationId.every(l => locations.has(Number(l)))), true, name + ': locations')
  same(text(profile.defaultSampleType), 'inuse_space', name + ': what is shown first')
  same(profile.mapping.map(m => [text(m.filename), text(m.buildId)]), dump.modules.slice(1).map(m => [shown(m.path), shown(m.build_id)]), name + ': mappings')
}

// ---- Chrome's heap snapshot: the parser of its DevTools ----

const FIRST = 6 // objects follow the root and what it refers to

async function readHeapSnapshot(name, dump) {
  const heap = await parse(createReadStream(`${folder}/${name}.heapsnapshot`, 'utf8'))
  same(heap.nodeCount, FIRST + dump.objects.length + dump.blocks.length, name + ': nodes')
  const node = ordinal => heap.createNode(ordinal * heap.nodeFieldCount)
  const type = o => dump.types[o.type].name
  // The parser keeps sizes in 32 bits.
  const low = size => Number(size) % 2 ** 32
  dump.objects.forEach((o, n) => {
    const at = node(FIRST + n)
    same([at.type(), at.rawName(), at.selfSize(), at.edgesCount() >= o.edges.length], ['object', type(o), low(o.size), true], `${name}: object ${n}`)
  })
  same(heap.totalSize, sum([...dump.objects, ...dump.blocks].map(t => low(t.size))), name + ': size')
  const reached = [...Array(heap.nodeCount).keys()].filter(n => heap.nodeDistances[n] >= 0)
  same(reached.length, heap.nodeCount, name + ': nodes that are reached')
  // Weak edges do not retain.
  const kinds = new Set()
  dump.objects.forEach((o, n) => {
    for (let edges = node(FIRST + n).edges(); edges.hasNext(); edges.next()) {
      const edge = edges.item()
      kinds.add(edge.type())
      same(edge.isWeak(), edge.type() === 'weak', `${name}: weakness`)
    }
  })
  // Places: what lives at each traceback.
  const live = new Map()
  for (const thing of [...dump.objects, ...dump.blocks]) {
    if (!thing.record) continue
    const stack = dump.records[thing.record].stack
    const has = live.get(stack) ?? [0, 0]
    live.set(stack, [has[0] + 1, has[1] + low(thing.size)])
  }
  const tops = heap.allocationTracesTops?.() ?? []
  const shown = sum(tops.map(t => t.liveCount))
  same(shown, sum([...live].map(([, l]) => l[0])), name + ': things with a place')
  same(sum(tops.map(t => t.liveSize)), sum([...live].map(([, l]) => l[1])), name + ': their sizes')
  return heap
}

function readSample(heap) {
  const retained = n => heap.retainedSizes[FIRST + n]
  same(retained(35), 35 * 48, 'a ring that nothing holds')
  same(retained(3), 48, 'one that refers to itself')
  same(heap.retainedSizes[0], heap.totalSize, 'the root retains all')
  const edges = n => {
    const list = []
    for (let it = heap.createNode((FIRST + n) * heap.nodeFieldCount).edges(); it.hasNext(); it.next()) {
      const e = it.item()
      list.push([e.type(), e.name(), e.node().ordinal() - FIRST])
    }
    return list
  }
  same(edges(0), [['property', 'left', 1], ['property', 'right', 2]], 'fields')
  same(edges(5).slice(0, 2), [['element', '0', 10], ['element', '1', 11]], 'items')
  same(edges(30), [['weak', 'target', 0]], 'a weak reference')
  same(edges(31).map(e => e[0]), ['weak', 'weak', 'weak', 'weak', 'weak'], 'a weak-key map retains nothing')
  same(edges(31)[0][1], 'key[3]', 'the name of an entry')
  same(edges(1).filter(e => e[0] === 'internal'), [['internal', 'value of an entry', 29]], 'the key retains the value')
  const made = heap.allocationStack((FIRST + 4) * heap.nodeFieldCount)
  same(made.map(f => `${f.functionName} ${f.scriptName}:${f.line}`), ['demo_alloc /usr/lib/libdemo.so:0', 'load main.c:20', 'main main.c:10', '(root) :0'], 'a traceback')
}

// ---- speedscope: its own schema ----

const valid = new Ajv({ strict: false }).compile(require('speedscope/dist/release/file-format-schema.json'))

function readSpeedscope(name) {
  for (const word of ['', '.types']) {
    const file = JSON.parse(readFileSync(`${folder}/${name}${word}.speedscope.json`, 'utf8'))
    same([valid(file), valid.errors], [true, null], name + word + ': schema')
    file.profiles[0].unit = 'furlongs'
    same(valid(file), false, name + ': a wrong unit')
  }
}

for (const name of names) {
  const dump = read(name)
  readPprof(name, dump)
  const heap = await readHeapSnapshot(name, dump)
  if (name === 'sample') readSample(heap)
  readSpeedscope(name)
}
console.log(`${names.length} snapshots, ${checks} checks hold`)
