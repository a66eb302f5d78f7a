import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { ControlChange, LogEntry, LogRecord, ProductDocument, RuleDocument } from '#contracts'
import { createEvaluator, type Evaluator } from '#rules'

/**
 * Rule evaluation alone, in one thread, on messages of 4 metrics with device time:
 * leaf evaluations a second with 10 one-leaf rules that all read each message, beside a plain loop that compares the
 * same 10 numbers with their limits and keeps nothing but flags; the cost of a message while the brand's rules grow
 * to 1,000 of which 10 apply; and what the rules keep of a device, the ring of late samples aside.
 */
const DEVICES = Number(process.env.BENCH_DEVICES ?? 1_000)
const MESSAGES = Number(process.env.BENCH_MESSAGES ?? 400_000)
/** Rules that apply to each device. */
const APPLY = 10
const BRANDS_RULES = [10, 100, 1_000]
const METRICS = ['temperature_c', 'pressure_pa', 'speed_rpm', 'current_ma']
const START_MS = Date.UTC(2026, 0, 1)

const product: ProductDocument = {
  key: 'bench',
  category: 'bench',
  metrics: METRICS.map((key) => ({ key, unit: '1', type: 'number' })),
  // The counters of rated lives are kept in the ring whether or not a rule reads them: so that it can be told apart.
  components: METRICS.map((metric, i) => ({ key: `part-${i}`, kind: 'motor', ratedLife: { metric, value: 1e9 } })),
  reporting: { mode: 'periodic', every: '1m' },
}

function rule(index: number, rules: number): RuleDocument {
  // Rules in the order of their keys, those that apply spread among the others.
  const applies = index % Math.max(1, rules / APPLY) === 0
  const limit = 90 + (index % APPLY)
  return {
    key: `rule-${String(index).padStart(5, '0')}`,
    name: { en: 'Bench', 'zh-CN': '基准' },
    scope: { product: applies ? 'bench' : 'another' },
    component: 'part-0',
    when: { metric: METRICS[index % METRICS.length]!, op: '>', value: limit, clear: 85 },
    for: '10m',
    keep: '1h',
  }
}

/** An evaluator that knows the fleet and its rules, and the place of its next record. */
function fleet(rules: number, devices: number): { evaluator: Evaluator; setUpMs: number; seq: number } {
  const evaluator = createEvaluator()
  let seq = 0
  const apply = (entry: LogEntry): void =>
    void evaluator.apply({ ...entry, seq: ++seq, receivedAtMs: START_MS - 1 } as LogRecord)
  const control = (change: ControlChange): void =>
    apply({ kind: 'control', changeId: `chg_${seq}`, brandId: 'brand_bench', change })
  const startedAt = processorMs()
  control({ type: 'product.version', version: 1, product })
  for (let i = 0; i < rules; i++)
    control({
      type: 'rule.activated',
      rule: rule(i, rules),
      version: 1,
      mode: 'active',
      canaryShare: 1,
      activation: `chg_r${i}`,
    })
  for (let d = 0; d < devices; d++)
    control({
      type: 'device.added',
      device: {
        deviceId: `dev_${d}`,
        serial: `${d}`,
        productKey: 'bench',
        homeId: null,
        region: null,
        tags: [],
        installedAtMs: null,
        purchasedAtMs: null,
        gatewayId: null,
        timeZone: 'Asia/Shanghai',
      },
    })
  evaluator.takeDirty()
  return { evaluator, setUpMs: processorMs() - startedAt, seq }
}

function messages(count: number, firstSeq: number): LogRecord[] {
  let noise = 1
  return Array.from({ length: count }, (_, i) => {
    const values: Record<string, number> = {}
    for (const metric of METRICS) {
      noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) >>> 0
      values[metric] = (noise / 2 ** 32) * 100
    }
    const atMs = START_MS + Math.floor(i / DEVICES) * 60_000 + (i % DEVICES)
    return {
      kind: 'readings',
      seq: firstSeq + i + 1,
      receivedAtMs: atMs + 40,
      brandId: 'brand_bench',
      deviceId: `dev_${i % DEVICES}`,
      measuredAtMs: atMs,
      serverTime: false,
      values,
      delivery: null,
      imported: false,
    }
  })
}

interface Measured {
  perMessageUs: number
  effects: number
}

function readAll(evaluator: Evaluator, records: readonly LogRecord[]): Measured {
  let effects = 0
  const startedAt = processorMs()
  for (const record of records) effects += evaluator.apply(record).length
  return { perMessageUs: ((processorMs() - startedAt) * 1_000) / records.length, effects }
}

/** Characters of a device's stored state. */
function stateOf(evaluator: Evaluator): { characters: number; us: number } {
  const startedAt = processorMs()
  const states = evaluator.takeDirty().filter((entry) => entry.key.startsWith('3:'))
  const us = ((processorMs() - startedAt) * 1_000) / states.length
  return { characters: states.reduce((sum, { value }) => sum + (value?.length ?? 0), 0) / states.length, us }
}

// The longest run first, for the figures; then short ones in turn, so that what else the machine does meets all alike.
const main = fleet(APPLY, DEVICES)
const records = messages(MESSAGES, main.seq)
const heapBefore = collectedHeap()
const { perMessageUs, effects } = readAll(main.evaluator, records)
const heap = collectedHeap()
const kept = stateOf(main.evaluator)

const limits = Array.from({ length: APPLY }, (_, i) => rule(i, APPLY).when as { value: number })
const flags = new Map<string, number>()
const naiveStartedAt = processorMs()
for (const record of records) {
  if (record.kind !== 'readings') continue
  let flag = 0
  for (let r = 0; r < APPLY; r++)
    if (Number(record.values[METRICS[r % METRICS.length]!]) > limits[r]!.value) flag |= 1 << r
  flags.set(`${record.brandId}/${record.deviceId}`, flag)
}
const naiveUs = ((processorMs() - naiveStartedAt) * 1_000) / MESSAGES

const ROUNDS = 5
const round = Math.floor(MESSAGES / 4 / DEVICES) * DEVICES
const grown = BRANDS_RULES.map((rules) => ({ rules, fleet: fleet(rules, DEVICES), us: [] as number[] }))
for (let i = 0; i < ROUNDS; i++)
  for (const one of grown) {
    const part = messages(round * (i + 1), one.fleet.seq).slice(round * i)
    one.us.push(readAll(one.fleet.evaluator, part).perMessageUs)
  }
const cost = grown.map(({ rules, us }) => ({ rules, us: us.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)]! }))

// A device of the same readings without a rule keeps the ring and the duplicate filter, and nothing else.
const bare = fleet(0, DEVICES)
for (const record of messages(Math.min(MESSAGES, 100 * DEVICES), bare.seq)) bare.evaluator.apply(record)
const full = fleet(APPLY, DEVICES)
for (const record of messages(Math.min(MESSAGES, 100 * DEVICES), full.seq)) full.evaluator.apply(record)
const ring = stateOf(bare.evaluator).characters
const ofRules = stateOf(full.evaluator).characters - ring

const million = (perUs: number): string => `${perUs.toFixed(1)} M`
console.log(
  `evaluator  ${million(APPLY / perMessageUs)} leaf evaluations/s per core: ${perMessageUs.toFixed(2)} µs of processor per message (${APPLY} rules, ${METRICS.length} metrics, ${DEVICES} devices, ${effects} effects)`,
)
console.log(
  `plain loop ${million(APPLY / naiveUs)} comparisons/s: ${naiveUs.toFixed(2)} µs per message → ratio ${(naiveUs / perMessageUs).toFixed(2)}`,
)
console.log(
  `growth     ${cost.map(({ rules, us }) => `${rules} rules ${us.toFixed(2)} µs`).join(', ')} (${APPLY} apply) → ${(cost.at(-1)!.us / cost[0]!.us).toFixed(2)} of the cost`,
)
console.log(
  `state      ${Math.round(ofRules)} characters per device of ${APPLY} rules; with the ring of late samples ${Math.round(ofRules + ring)}, ${kept.us.toFixed(1)} µs to write`,
)
console.log(`set-up     ${((main.setUpMs * 1_000) / DEVICES).toFixed(1)} µs per device`)
console.log(`memory     ${Math.round((heap - heapBefore) / DEVICES)} bytes of heap per device came with its readings`)

/** Processor time of this process: what else the machine does must not count. */
function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

function collectedHeap(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}
