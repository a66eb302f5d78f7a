import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { ControlChange, LogEntry, LogRecord, ProductDocument, RuleDocument } from '#contracts'
import { createEvaluator } from '#rules'

/**
 * Rule evaluation alone, in one thread: microseconds per message for 10 one-leaf rules, all
 * concerned by each message of 4 metrics with device time, beside a plain loop that compares the
 * same 40 numbers with their limits and keeps nothing but a flag. Then the size of the state.
 */
const DEVICES = Number(process.env.BENCH_DEVICES ?? 1_000)
const MESSAGES = Number(process.env.BENCH_MESSAGES ?? 400_000)
const RULES = 10
const METRICS = ['temperature_c', 'pressure_pa', 'speed_rpm', 'current_ma']
const START_MS = Date.UTC(2026, 0, 1)

const product: ProductDocument = {
  key: 'bench',
  category: 'bench',
  metrics: METRICS.map((key) => ({ key, unit: '1', type: 'number' })),
  components: [{ key: 'part', kind: 'filter' }],
  reporting: { mode: 'periodic', every: '1m' },
}

function rule(index: number): RuleDocument {
  return {
    key: `rule-${index}`,
    name: { en: 'Bench', 'zh-CN': '基准' },
    scope: { product: 'bench' },
    component: 'part',
    when: { metric: METRICS[index % METRICS.length]!, op: '>', value: 90 + index, clear: 85 },
    for: '10m',
    keep: '1h',
  }
}

function* records(): Generator<LogRecord> {
  let seq = 0
  const place = (entry: LogEntry, receivedAtMs: number): LogRecord => ({ ...entry, seq: ++seq, receivedAtMs })
  const control = (change: ControlChange): LogRecord =>
    place({ kind: 'control', changeId: `chg_${seq}`, brandId: 'brand_bench', change }, START_MS - 1)
  yield control({ type: 'product.version', version: 1, product })
  for (let i = 0; i < RULES; i++)
    yield control({
      type: 'rule.activated',
      rule: rule(i),
      version: 1,
      mode: 'active',
      canaryShare: 1,
      activation: `chg_r${i}`,
    })
  for (let d = 0; d < DEVICES; d++)
    yield control({
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
  let noise = 1
  for (let i = 0; i < MESSAGES; i++) {
    const values: Record<string, number> = {}
    for (const metric of METRICS) {
      noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) >>> 0
      values[metric] = (noise / 2 ** 32) * 100
    }
    const atMs = START_MS + Math.floor(i / DEVICES) * 60_000 + (i % DEVICES)
    yield place(
      {
        kind: 'readings',
        brandId: 'brand_bench',
        deviceId: `dev_${i % DEVICES}`,
        measuredAtMs: atMs,
        serverTime: false,
        values,
        delivery: null,
        imported: false,
      },
      atMs + 40,
    )
  }
}

const all = [...records()]
const setUp = all.length - MESSAGES
const heapBefore = collectedHeap()
const evaluator = createEvaluator()
const setUpStartedAt = processorMs()
for (const record of all.slice(0, setUp)) evaluator.apply(record)
evaluator.takeDirty()
const setUpMs = processorMs() - setUpStartedAt

let effects = 0
const startedAt = processorMs()
for (let i = setUp; i < all.length; i++) effects += evaluator.apply(all[i]!).length
const perMessage = ((processorMs() - startedAt) * 1_000) / MESSAGES

const heap = collectedHeap()

const limits = Array.from({ length: RULES }, (_, i) => 90 + i)
const flags = new Map<string, number>()
const naiveStartedAt = processorMs()
for (let i = setUp; i < all.length; i++) {
  const record = all[i]!
  if (record.kind !== 'readings') continue
  let flag = 0
  for (let r = 0; r < RULES; r++) if (Number(record.values[METRICS[r % METRICS.length]!]) > limits[r]!) flag |= 1 << r
  flags.set(`${record.brandId}/${record.deviceId}`, flag)
}
const naive = ((processorMs() - naiveStartedAt) * 1_000) / MESSAGES

const saveStartedAt = processorMs()
const entries = evaluator.takeDirty()
const saveMs = processorMs() - saveStartedAt
const states = entries.filter((entry) => entry.key.startsWith('3:'))
const bytes = states.reduce((sum, entry) => sum + (entry.value?.length ?? 0), 0) / states.length

console.log(
  `evaluator  ${perMessage.toFixed(2)} µs of processor per message (${RULES} rules, ${METRICS.length} metrics, ${DEVICES} devices, ${effects} effects)`,
)
console.log(`plain loop ${naive.toFixed(2)} µs per message`)
console.log(
  `checkpoint ${((saveMs * 1_000) / states.length).toFixed(1)} µs and ${Math.round(bytes)} characters per device, kept samples included`,
)
console.log(`set-up     ${((setUpMs * 1_000) / DEVICES).toFixed(1)} µs per device`)
console.log(`memory     ${Math.round((heap - heapBefore) / DEVICES)} bytes of heap per device, kept samples included`)

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
