import type {
  AlertEffect,
  ControlChange,
  DeviceFacts,
  LogEntry,
  LogRecord,
  ProductDocument,
  ReadingValue,
  RuleDocument,
} from '#contracts'
import { createEvaluator, type Evaluator } from '../evaluator.ts'

export const T0 = Date.UTC(2026, 0, 1)
export const MINUTE = 60_000

export function aProduct(over: Partial<ProductDocument> = {}): ProductDocument {
  return {
    key: 'ap-300',
    category: 'air-purifier',
    metrics: [
      { key: 'filter_dp_pa', unit: 'Pa', type: 'number' },
      { key: 'fan_rpm', unit: 'rpm', type: 'number' },
      { key: 'door_open', unit: '1', type: 'boolean' },
      { key: 'mode', unit: '1', type: 'string' },
    ],
    components: [
      {
        key: 'hepa-filter',
        kind: 'filter',
        recovery: { when: { metric: 'filter_dp_pa', op: '<', value: 150 }, for: '10m', within: '1d', minReadings: 5 },
      },
      { key: 'fan', kind: 'motor' },
    ],
    reporting: { mode: 'periodic', every: '1m' },
    ...over,
  }
}

export function aRule(over: Partial<RuleDocument> = {}): RuleDocument {
  return {
    key: 'hepa-clogged',
    name: { en: 'Filter clogged', 'zh-CN': '滤网堵塞' },
    scope: { product: 'ap-300' },
    component: 'fan',
    severity: 'warning',
    when: { metric: 'filter_dp_pa', op: '>', value: 250, clear: 230 },
    for: '10m',
    keep: '1h',
    ...over,
  }
}

export function aDevice(over: Partial<DeviceFacts> = {}): DeviceFacts {
  return {
    deviceId: 'dev_1',
    serial: 'S1',
    productKey: 'ap-300',
    homeId: 'home_1',
    region: '310115',
    tags: [],
    installedAtMs: null,
    purchasedAtMs: null,
    gatewayId: null,
    timeZone: 'Asia/Shanghai',
    ...over,
  }
}

export interface ReadingOptions {
  /** Minutes since T0 of the device's clock. */
  at: number
  /** Minutes since T0 of arrival; at once when absent. */
  received?: number
  values?: Record<string, ReadingValue>
  device?: string
  brand?: string
  imported?: boolean
  serverTime?: boolean
}

/** A log of one brand being written, and the evaluator that reads it; times are minutes since T0. */
export class Story {
  evaluator: Evaluator = createEvaluator()
  readonly records: LogRecord[] = []
  readonly effects: AlertEffect[] = []
  readonly #state = new Map<string, string>()
  #changes = 0
  /** Restores from a checkpoint after every record: nothing may come out differently. */
  readonly restartAlways: boolean

  constructor(
    options: {
      product?: ProductDocument
      rules?: RuleDocument[]
      device?: Partial<DeviceFacts>
      /** Minute at which all this becomes known. */
      from?: number
      restartAlways?: boolean
    } = {},
  ) {
    this.restartAlways = options.restartAlways ?? false
    const { product = aProduct(), rules = [aRule()], device = {}, from = -1 } = options
    this.control(from, { type: 'product.version', version: 1, product })
    this.control(from, { type: 'device.added', device: aDevice(device) })
    for (const rule of rules) this.activate(from, rule)
  }

  append(atMs: number, entry: LogEntry): AlertEffect[] {
    const record: LogRecord = { ...entry, seq: this.records.length + 1, receivedAtMs: atMs }
    this.records.push(record)
    const effects = this.evaluator.apply(record)
    this.effects.push(...effects)
    for (const { key, value } of this.evaluator.takeDirty())
      if (value === null) this.#state.delete(key)
      else this.#state.set(key, value)
    if (this.restartAlways) this.restart()
    return effects
  }

  restart(): void {
    const before = this.evaluator.stateHash()
    this.evaluator = createEvaluator()
    this.evaluator.restore([...this.#state].map(([key, value]) => ({ key, value })))
    if (this.evaluator.stateHash() !== before) throw new Error('a restored evaluator has another state')
  }

  control(at: number, change: ControlChange, brandId: string | null = 'brand_a'): AlertEffect[] {
    return this.append(T0 + at * MINUTE, { kind: 'control', changeId: `chg_${++this.#changes}`, brandId, change })
  }

  activate(at: number, rule: RuleDocument, over: Partial<Extract<ControlChange, { type: 'rule.activated' }>> = {}) {
    return this.control(at, {
      type: 'rule.activated',
      rule,
      version: 1,
      mode: 'active',
      canaryShare: 1,
      activation: `act_${rule.key}`,
      ...over,
    })
  }

  read(options: ReadingOptions): AlertEffect[] {
    const { at, received = at, values = {}, device = 'dev_1', brand = 'brand_a' } = options
    return this.append(T0 + received * MINUTE, {
      kind: 'readings',
      brandId: brand,
      deviceId: device,
      measuredAtMs: T0 + at * MINUTE,
      serverTime: options.serverTime ?? false,
      values,
      delivery: null,
      imported: options.imported ?? false,
    })
  }

  /** A reading with an impossible time, put into quarantine before the log. */
  skewed(receivedMs: number, device: string): AlertEffect[] {
    return this.append(receivedMs, {
      kind: 'quarantined',
      brandId: 'brand_a',
      deviceId: device,
      code: 'TIMESTAMP_FUTURE',
      pointer: '/ts',
      detail: '',
      payload: new Uint8Array(),
      truncated: false,
      via: 'v1/devices/me/telemetry',
    })
  }

  dp(at: number, value: number, received = at): AlertEffect[] {
    return this.read({ at, received, values: { filter_dp_pa: value } })
  }

  /** `260x12` is twelve samples, `_` a missing one; one a minute from `from` on. Returns the minute after. */
  series(text: string, from = 0): number {
    let at = from
    for (const part of text.split(' ')) {
      const [, value = '', times = '1'] = /^(_|-?[\d.]+)(?:x(\d+))?$/.exec(part) ?? []
      for (let i = 0; i < Number(times); i++, at++) if (value !== '_') this.dp(at, Number(value))
    }
    return at
  }

  at(minute: number): number {
    return T0 + minute * MINUTE
  }

  tick(at: number): AlertEffect[] {
    return this.append(T0 + at * MINUTE, { kind: 'tick' })
  }

  /** Keys of what the checkpoint holds by now. */
  keptKeys(): string[] {
    return [...this.#state.keys()]
  }

  sizeOf(key: string): number {
    return this.#state.get(key)?.length ?? 0
  }

  state(ruleKey = 'hepa-clogged'): string {
    return this.view(ruleKey).state
  }

  view(ruleKey = 'hepa-clogged', component?: string) {
    const views = this.evaluator.views({ ruleKey })
    return views.find((view) => component === undefined || view.component === component)!
  }

  /** Kinds of the effects so far, with the minute of hub time at which they came. */
  told(): string[] {
    return this.effects.map((effect) => `${(effect.atMs - T0) / MINUTE} ${effect.kind}${detail(effect)}`)
  }
}

function detail(effect: AlertEffect): string {
  if (effect.kind === 'alert.resolved') return ` ${effect.reason}`
  if (effect.kind === 'alert.firing') return effect.silent ? ` ${effect.hush}` : ''
  if (effect.kind === 'verification.ended') return ` ${effect.end}`
  if (effect.kind === 'operator.event') return ` ${effect.code}`
  return ''
}
