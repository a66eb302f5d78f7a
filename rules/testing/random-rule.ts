import type { Random } from '#platform'
import { aRule } from './story.ts'

/**
 * A rule as a generator with a bad temper would write it: mostly of the right form, with wrong names, wrong
 * types, numbers at every edge and trees of any shape mixed in.
 */
export function randomRule(random: Random): unknown {
  const drawn: Record<string, unknown> = { ...aRule(), when: tree(random, 0) }
  for (const [member, values] of Object.entries(MEMBERS)) if (random.next() < 0.15) drawn[member] = pick(random, values)
  if (random.next() < 0.05) drawn[pick(random, ['sevrity', 'constructor', 'extra'])] = 1
  if (random.next() < 0.05) delete drawn[pick(random, Object.keys(drawn))]
  return drawn
}

const MEMBERS: Record<string, readonly unknown[]> = {
  for: [undefined, '0s', '10m', '1h30m', '91d', 'soon', 5, null],
  keep: [undefined, '5m', 'PT1H', 'P1M', []],
  noData: ['hold', 'alert', 'resolve', { alert: { for: '5m' } }, { alert: {} }, true],
  latch: ['none', 'until-serviced', 'forever'],
  dispatch: ['notify', 'offer', 'auto'],
  safety: [null, 'gas', 'lockout', 'fire'],
  levels: [
    [
      { severity: 'info', value: 250, clear: 230 },
      { severity: 'critical', value: 300 },
    ],
    [{ severity: 'info', value: Number.NaN }],
    [],
  ],
  parameters: [{}, { limit: 5 }, { limit: Number.POSITIVE_INFINITY }, { toString: 1 }],
  inhibitedBy: [['other'], ['hepa-clogged'], ['a', 'a'], []],
  severity: ['info', 'warning', 'critical', 'fatal'],
}

const METRICS = ['filter_dp_pa', 'fan_rpm', 'door_open', 'mode', 'nothing', '__proto__', 'constructor']
const LIKELY = ['filter_dp_pa', 'fan_rpm', 'door_open']
const OPS = ['>', '>=', '<', '<=', '==', '!=']
const NUMBERS = [0, -0, 1, 2, 5, 250, -7.5, 1e308, -1e308, Number.MIN_VALUE, Number.MAX_SAFE_INTEGER + 2]
const DURATIONS = ['1m', '10m', '1h', '7d', '90d', '91d', '5s', '', 'PT1H', 'x']
const AGES = ['8y', '180d', '26w', 30, 0.5, '0d', '101y', 'P400D', '8 years']
const DAYS = ['--01-01', '--02-29', '--06-15', '--12-31', '--02-30', '--13-01', '05-01']
const EQUALS = ['E4', '', 1, 0, true, false, null]

function tree(random: Random, depth: number): unknown {
  const at = random.next()
  // Deep enough to pass the limit now and then.
  if (depth < 11 && at < 0.35) {
    const kind = pick(random, ['all', 'any', 'all', 'any', 'not', 'none'])
    if (kind === 'not') return { not: tree(random, depth + 1) }
    const children = Array.from({ length: Math.floor(random.next() * 4) + (random.next() < 0.95 ? 1 : 0) }, () =>
      tree(random, depth + 1),
    )
    return { [kind]: children }
  }
  if (at > 0.985) return pick(random, [null, [], 'x', 7, {}, { __proto__: null, when: 1 }, { forecast: {} }])
  return leaf(random)
}

function leaf(random: Random): unknown {
  const metric = random.next() < 0.93 ? pick(random, LIKELY) : pick(random, METRICS)
  const op = random.next() < 0.97 ? pick(random, OPS.slice(0, 4)) : pick(random, [...OPS, '=>', 3])
  const value = limit(random)
  const clear = random.next() < 0.2 ? { clear: limit(random) } : {}
  const duration = (): unknown => (random.next() < 0.9 ? pick(random, DURATIONS.slice(0, 5)) : pick(random, DURATIONS))
  switch (Math.floor(random.next() * 9)) {
    case 0:
      return { metric, op, value, ...clear }
    case 1:
      return {
        metric,
        op,
        value,
        agg: pick(random, ['last', 'mean', 'min', 'max', 'sum', 'count', 'stddev', 'median']),
        window: duration(),
      }
    case 2:
      return { change: { metric, over: duration(), op, value, ...clear } }
    case 3:
      return {
        usage: {
          metric,
          op,
          value,
          ...clear,
          ...(random.next() < 0.5 ? { sinceService: true } : {}),
          ...(random.next() < 0.3 ? { perDayMax: pick(random, [1, 1e-300, 1e308, 0]) } : {}),
        },
      }
    case 4:
      return {
        age: {
          op,
          value: random.next() < 0.9 ? pick(random, AGES.slice(0, 5)) : pick(random, AGES),
          sinceService: random.next() < 0.5,
        },
      }
    case 5:
      return {
        event: {
          metric: pick(random, ['mode', 'door_open', metric]),
          equals: pick(random, EQUALS),
          count: pick(random, [1, 2, 3, 64, 65, 0]),
          window: duration(),
          ...(random.next() < 0.2 ? { clear: pick(random, [1, 2, 9]) } : {}),
        },
      }
    case 6:
      return {
        anomaly: {
          metric,
          against: pick(random, ['self', 'self', 'fleet']),
          score: random.next() < 0.7 ? pick(random, [0.5, 0.9, { param: 'limit', default: 0.7 }]) : limit(random),
          ...(random.next() < 0.3 ? { for: duration() } : {}),
        },
      }
    case 7:
      return random.next() < 0.5
        ? {
            remaining: {
              component: pick(random, ['hepa-filter', 'fan', 'nothing', '__proto__']),
              below: duration(),
              ...(random.next() < 0.5 ? { confidence: pick(random, [0.5, 0.9, 0.95, 0.96, -1]) } : {}),
            },
          }
        : { forecast: { metric, reaches: limit(random), within: duration() } }
    default:
      return random.next() < 0.5
        ? { noData: { for: duration(), ...(random.next() < 0.5 ? { metric } : {}) } }
        : {
            season: {
              from: pick(random, DAYS.slice(0, 4 + Math.floor(random.next() * 4))),
              to: pick(random, DAYS.slice(0, 4)),
            },
          }
  }
}

function limit(random: Random): unknown {
  if (random.next() < 0.12)
    return { param: 'limit', ...(random.next() < 0.7 ? { default: pick(random, NUMBERS) } : {}) }
  return random.next() < 0.98 ? pick(random, NUMBERS) : pick(random, [Number.NaN, Number.POSITIVE_INFINITY, '5', null])
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random.next() * items.length)]!
}
