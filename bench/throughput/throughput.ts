/**
 * QoS 1 messages a second through the whole hub (acknowledged after the sync, applied by ten
 * rules, recorded in the history), beside bare Aedes that only acknowledges, with the same load
 * generator on the same machine in the same run. The ratio is what counts; the rates are this machine's.
 *
 * Usage: node bench/throughput/throughput.ts [--seconds 60] [--devices 1000] [--speaking 50]
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { parseArgs, promisify } from 'node:util'
import { realClock, realSleep } from '#platform'
import { type HubProcess, startHubProcess } from '../hub-process.ts'
import { register } from './fixture.ts'
import type { Load, LoadResult } from './load-generator.ts'

const run = promisify(execFile)
/** Unacknowledged messages per connection: enough to keep the broker busy, few enough to be a device's. */
const WINDOW = 100
/** Readings are dated from here on, a millisecond apart, so that none lies in the future. */
const START_AGO_MS = 10 * 60_000
/** A consumer that needs longer after the load has ended is behind. */
const LAG_SECONDS_MAX = 2

async function generate(load: Load): Promise<LoadResult> {
  const { stdout } = await run(process.execPath, [join(import.meta.dirname, 'load-generator.ts'), JSON.stringify(load)])
  return JSON.parse(stdout) as LoadResult
}

/** Messages a second that Aedes alone acknowledges. */
export async function bareRate(seconds: number, connections: number): Promise<number> {
  const peer: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'bare-aedes.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const port = await new Promise<number>((resolve) => {
      peer.stdout!.once('data', (line) => resolve((JSON.parse(String(line)) as { port: number }).port))
    })
    const userNames = Array.from({ length: connections }, (_, i) => `bare-${i}`)
    const result = await generate({
      port,
      userNames,
      seconds,
      window: WINDOW,
      startMs: realClock.nowMs() - START_AGO_MS,
    })
    return result.acknowledged / result.seconds
  } finally {
    peer.kill()
  }
}

export interface HubRate {
  acknowledged: number
  applied: number
  recorded: number
  /** The slowest of the three. */
  slowest: number
  /** Until rules and history had everything, after the load ended. */
  lagSeconds: number
}

/** The same through the hub; each rate counts to the moment its consumer had reached the head. */
export async function hubRate(hub: HubProcess, tokens: string[], seconds: number): Promise<HubRate> {
  const before = await hub.metric('beforehand_log_head_seq')
  const startedAt = performance.now()
  const startMs = realClock.nowMs() - START_AGO_MS
  const result = await generate({ port: hub.mqttPort, userNames: tokens, seconds, window: WINDOW, startMs })
  const endedAt = performance.now()
  const done = { rules: 0, history: 0 }
  while (done.rules === 0 || done.history === 0) {
    for (const name of ['rules', 'history'] as const)
      if (done[name] === 0 && (await hub.metric(`beforehand_${name}_lag_records`)) === 0) done[name] = performance.now()
    await realSleep(50)
  }
  const stored = (await hub.metric('beforehand_log_head_seq')) - before
  if (stored < result.acknowledged) throw new Error(`${result.acknowledged} acknowledged, only ${stored} in the log`)
  const rateUntil = (atMs: number): number => stored / (result.seconds + Math.max(0, atMs - endedAt) / 1_000)
  const rates = {
    acknowledged: result.acknowledged / result.seconds,
    applied: rateUntil(done.rules),
    recorded: rateUntil(done.history),
  }
  const lagSeconds = (Math.max(done.rules, done.history) - endedAt) / 1_000
  if (endedAt < startedAt) throw new Error('time went back')
  return { ...rates, slowest: Math.min(...Object.values(rates)), lagSeconds }
}

export interface Throughput {
  seconds: number
  devices: number
  bare: number
  hub: HubRate
  ratio: number
  withinLag: boolean
}

export async function measureThroughput(options: {
  seconds: number
  devices: number
  speaking: number
}): Promise<Throughput> {
  const { seconds, devices, speaking } = options
  const hub = await startHubProcess()
  try {
    const { tokens } = await register(hub.api, devices, speaking)
    // Compilers and caches warm on both sides before either is counted.
    await hubRate(hub, tokens, Math.min(5, seconds))
    const bareBefore = await bareRate(seconds / 2, speaking)
    const measured = await hubRate(hub, tokens, seconds)
    const bare = (bareBefore + (await bareRate(seconds / 2, speaking))) / 2
    return {
      seconds,
      devices,
      bare,
      hub: measured,
      ratio: measured.slowest / bare,
      withinLag: measured.lagSeconds <= LAG_SECONDS_MAX,
    }
  } finally {
    await hub.stop()
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      devices: { type: 'string', default: '1000' },
      speaking: { type: 'string', default: '50' },
    },
  })
  const result = await measureThroughput({
    seconds: Number(values.seconds),
    devices: Number(values.devices),
    speaking: Number(values.speaking),
  })
  console.log(JSON.stringify(result, (_, value) => (typeof value === 'number' ? Number(value.toFixed(3)) : value), 2))
}
