/**
 * `npm run bench`: every benchmark, each beside its peer in the same run. Ratios are what to
 * quote; absolute figures are this machine's.
 *
 * Usage: npm run bench -- [--only throughput,latency,memory,scale,parts] [--seconds 60] [--json]
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { measureLatency } from './latency.ts'
import { measureMemory } from './memory.ts'
import { measureThroughput, type Throughput } from './throughput/throughput.ts'

const run = promisify(execFile)
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'throughput,latency,memory,scale,parts' },
    seconds: { type: 'string', default: '60' },
    json: { type: 'boolean', default: false },
  },
})
const wanted = new Set(values.only.split(','))
const seconds = Number(values.seconds)
const results: Record<string, unknown> = {}
const say = (text: string): void => void (values.json ? process.stderr : process.stdout).write(`${text}\n`)
const count = (n: number): string => Math.round(n).toLocaleString('en')

function tell(name: string, { bare, hub, ratio, withinLag }: Throughput): void {
  say(
    `${name}: ${count(hub.slowest)} messages/s through the hub (acknowledged ${count(hub.acknowledged)}, applied ${count(hub.applied)}, recorded ${count(hub.recorded)}; lag ${hub.lagSeconds.toFixed(1)} s${withinLag ? '' : ', too long'})`,
  )
  say(`  bare Aedes ${count(bare)}/s → ratio ${ratio.toFixed(2)}`)
}

let thousand: Throughput | null = null
if (wanted.has('throughput') || wanted.has('scale')) {
  thousand = await measureThroughput({ seconds, devices: 1_000, speaking: 50 })
  results.throughput = thousand
  tell('throughput, 1,000 devices registered', thousand)
}
if (wanted.has('scale') && thousand) {
  const many = await measureThroughput({ seconds, devices: 100_000, speaking: 50 })
  const kept = many.ratio / thousand.ratio
  results.scale = { ...many, ratioKept: kept }
  tell('throughput, 100,000 devices registered', many)
  say(`  of the ratio with 1,000: ${kept.toFixed(2)}`)
}
if (wanted.has('latency')) {
  const latency = await measureLatency({ orders: 200, perSecond: 10 })
  results.latency = latency
  const { orderMs, acknowledgedMs } = latency
  say(`reading → signed work order at the partner: p50 ${orderMs.p50.toFixed(0)} ms, p99 ${orderMs.p99.toFixed(0)} ms`)
  say(`  reading → PUBACK: p50 ${acknowledgedMs.p50.toFixed(1)} ms, p99 ${acknowledgedMs.p99.toFixed(1)} ms`)
}
if (wanted.has('memory')) {
  const memory = await measureMemory({ devices: 2_000 })
  results.memory = memory
  say(
    `memory: ${(memory.connectedBytes / 1024).toFixed(1)} KiB per connected device (bare Aedes ${(memory.bareConnectedBytes / 1024).toFixed(1)}), ${count(memory.deviceRuleBytes)} bytes per device and rule`,
  )
}
if (wanted.has('parts')) {
  for (const part of ['decode', 'evaluator', 'models', 'history', 'backtest']) {
    const { stdout } = await run(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      join(import.meta.dirname, `${part}.ts`),
    ])
    results[part] = stdout.trim()
    say(`${part}\n  ${stdout.trim().replaceAll('\n', '\n  ')}`)
  }
}
if (values.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`)
