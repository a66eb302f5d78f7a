import { compileProduct, decodeTelemetry } from '#ingest'
import { realClock } from '#platform'

/**
 * What decoding and validating one message costs the main thread, beside `JSON.parse` of the
 * same bytes alone, in the same run. Run it with: node bench/decode.ts
 */
const ROUNDS = 7
const MESSAGES_PER_ROUND = 100_000
const DISTINCT = 1_000

const nowMs = realClock.nowMs()
const product = compileProduct({
  key: 'ap-300',
  category: 'air-purifier',
  metrics: [
    { key: 'filter_dp_pa', unit: 'Pa', type: 'number', min: 0, max: 1_000 },
    { key: 'fan_rpm', unit: '1/min', type: 'number' },
    { key: 'pm25', unit: 'µg/m³', type: 'number' },
    { key: 'airflow_m3h', unit: 'm³/h', type: 'number' },
  ],
})
const context = {
  brandId: 'brand_bench',
  deviceId: 'dev_bench',
  product,
  nowMs,
  oldestMs: nowMs - 7 * 86_400_000,
  newestMs: nowMs + 600_000,
  serverClock: false,
  imported: false,
  onlyAt: null,
}
const payloads = Array.from({ length: DISTINCT }, (_, i) =>
  Buffer.from(
    `{"ts":${nowMs - i * 10},"values":{"filter_dp_pa":${(131 + i / 10).toFixed(1)},"fan_rpm":${1200 + i},"pm25":12.5,"airflow_m3h":301.2}}`,
  ),
)

function nsPerMessage(work: (payload: Buffer) => unknown): number {
  const startedAt = process.hrtime.bigint()
  for (let i = 0; i < MESSAGES_PER_ROUND; i++) work(payloads[i % DISTINCT]!)
  return Number(process.hrtime.bigint() - startedAt) / MESSAGES_PER_ROUND
}

const bare: number[] = []
const decoded: number[] = []
for (let round = 0; round < ROUNDS; round++) {
  bare.push(nsPerMessage((payload) => JSON.parse(payload.toString())))
  decoded.push(nsPerMessage((payload) => decodeTelemetry(payload, context).readings.length))
}
const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!
console.log(
  JSON.stringify({
    bench: 'decode',
    bytes: payloads[0]!.length,
    jsonParseNs: Math.round(median(bare)),
    decodeNs: Math.round(median(decoded)),
    ratio: Number((median(decoded) / median(bare)).toFixed(2)),
  }),
)
