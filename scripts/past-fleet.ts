/**
 * Writes a brand's past into files, as `beforehand import` takes them: purifiers whose filters wear at
 * their own pace, hourly readings, and the repairs that followed. The same seed writes the same files.
 *
 * Usage: node scripts/past-fleet.ts --dir DIR [--devices 10000] [--days 90] [--seed 1]
 */

import { once } from 'node:events'
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seededRandom, systemClock } from '#platform'

const { values } = parseArgs({
  options: {
    dir: { type: 'string' },
    devices: { type: 'string', default: '10000' },
    days: { type: 'string', default: '90' },
    seed: { type: 'string', default: '1' },
  },
})
if (values.dir === undefined) throw new Error('--dir is needed')
const devices = Number(values.devices)
const hours = Number(values.days) * 24
const HOUR_MS = 3_600_000
/** Until last midnight, so that nothing lies in the future. */
const toMs = Math.floor(systemClock.nowMs() / 86_400_000) * 86_400_000
const fromMs = toMs - hours * HOUR_MS
const random = seededRandom(Number(values.seed))

mkdirSync(values.dir, { recursive: true })
const open = (name: string) => createWriteStream(join(values.dir!, name), { highWaterMark: 1 << 20 })
const [deviceFile, telemetryFile, outcomeFile] = ['devices.ndjson', 'telemetry.ndjson', 'outcomes.ndjson'].map(open)
const write = async (file: ReturnType<typeof open>, text: string): Promise<void> => {
  if (!file.write(text)) await once(file, 'drain')
}

interface Purifier {
  serial: string
  /** Share of the filter's life used, and how much an hour uses. */
  wear: number
  pace: number
  /** Some fail without clogging: nobody can foresee those. */
  suddenAtHour: number
}

const fleet: Purifier[] = Array.from({ length: devices }, (_, i) => ({
  serial: `PAST-${String(i).padStart(6, '0')}`,
  wear: random.next() * 0.9,
  pace: (0.5 + random.next()) / (200 * 24),
  suddenAtHour: random.chance(0.01) ? Math.floor(random.next() * hours) : -1,
}))
for (const { serial } of fleet)
  await write(
    deviceFile!,
    `${JSON.stringify({ serial, product: 'ap-300', installedAt: new Date(fromMs - 86_400_000).toISOString() })}\n`,
  )

writeFileSync(
  join(values.dir, 'product.yaml'),
  `key: ap-300
category: air-purifier
metrics:
  - { key: filter_dp_pa, unit: Pa, type: number, min: 0, max: 2000 }
  - { key: fan_rpm, unit: rpm, type: number, min: 0, max: 3000 }
components:
  - { key: hepa-filter, kind: filter, part: HEPA-300 }
reporting: { mode: periodic, every: 1h }
`,
)
writeFileSync(
  join(values.dir, 'hepa-clogged.yaml'),
  `key: hepa-clogged
name: { en: HEPA filter clogged, zh-CN: 滤芯堵塞 }
scope: { product: ap-300 }
component: hepa-filter
severity: warning
when: { metric: filter_dp_pa, op: ">", value: 245, clear: 180, agg: max, window: 24h }
for: 6h
dispatch: offer
service: { job: replace-hepa, parts: [{ sku: HEPA-300, quantity: 1 }] }
`,
)

let outcomes = 0
const repaired = async (device: Purifier, hour: number, cause: string, parts: string[]): Promise<void> => {
  outcomes++
  const at = new Date(fromMs + hour * HOUR_MS).toISOString()
  await write(
    outcomeFile!,
    `${JSON.stringify({ serial: device.serial, component: 'hepa-filter', at, cause, parts })}\n`,
  )
}

for (let hour = 0; hour < hours; hour++) {
  const ts = fromMs + hour * HOUR_MS
  let block = ''
  for (const device of fleet) {
    device.wear += device.pace
    // High once a day by itself, low otherwise; a filter's resistance grows with dust and with flow.
    const high = hour % 24 === 20 || random.chance(0.15)
    const rpm = high ? 1_150 + random.normal() * 15 : 620 + random.normal() * 20
    const dp = (60 + 190 * device.wear + random.normal() * 4) * (high ? 1 : 0.3)
    block += `{"serial":"${device.serial}","ts":${ts},"values":{"filter_dp_pa":${Math.max(0, dp).toFixed(1)},"fan_rpm":${rpm.toFixed(0)}}}\n`
    if (device.wear >= 1.15 && random.chance(0.05)) {
      await repaired(device, hour, 'clogged', ['HEPA-300'])
      device.wear = 0
    } else if (hour === device.suddenAtHour) {
      await repaired(device, hour, 'torn', ['HEPA-300'])
      device.wear = 0
    }
  }
  await write(telemetryFile!, block)
}
for (const file of [deviceFile, telemetryFile, outcomeFile]) {
  file!.end()
  await once(file!, 'finish')
}
process.stdout.write(
  `${devices} devices, ${(devices * hours).toLocaleString('en')} readings, ${outcomes} outcomes in ${values.dir}\n`,
)
process.stdout.write(`from ${new Date(fromMs).toISOString()} to ${new Date(toMs).toISOString()}\n`)
