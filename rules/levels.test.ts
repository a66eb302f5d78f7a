import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RuleDocument } from '#contracts'
import * as arbitrary from './testing/arbitraries.ts'
import { MINUTE, Story, T0 } from './testing/story.ts'

const RUNS = Number(process.env.PROPERTY_RUNS ?? 150)
const SEVERITIES = ['info', 'warning', 'critical'] as const

/**
 * T7 against its own definition: a level holds exactly when a rule of that level alone, with the same `for` and
 * `keep`, would be firing or recovering; the episode has the sternest that holds.
 */
test('T7: at every moment the episode has the severity of the sternest level that holds', () => {
  fc.assert(
    fc.property(arbitrary.leveledRule, arbitrary.samples, ({ latch: _latch, ...drawn }, samples) => {
      const leveled: RuleDocument = { ...drawn, latch: 'none' }
      const { levels, ...rest } = leveled
      const alone = levels!.map((level, i): RuleDocument => {
        const { severity, ...limits } = level
        return { ...rest, key: `level-${i}`, severity, when: { metric: 'filter_dp_pa', op: '>', ...limits } }
      })
      const story = new Story({ rules: [{ ...leveled, key: 'leveled' }, ...alone] })
      const severityOf = new Map<string, string>()
      let atMs = T0
      for (const { step, values } of samples) {
        atMs += step * 10_000
        const at = (atMs - T0) / MINUTE
        story.read({ at, received: at + 1 / 60, values })
        story.tick(at + 10 / 60)
        for (const effect of story.effects.splice(0)) {
          if (!('episode' in effect) || effect.episode.ruleKey !== 'leveled') continue
          if (effect.kind === 'alert.resolved') severityOf.clear()
          else severityOf.set(effect.episode.episodeId, effect.episode.severity)
          if (effect.kind === 'alert.escalated')
            expect(rank(effect.episode.severity)).toBeGreaterThan(rank(effect.from))
          if (effect.kind === 'alert.deescalated') expect(rank(effect.episode.severity)).toBeLessThan(rank(effect.from))
        }
        const open = alone.map(({ key }) => ['firing', 'recovering'].includes(story.state(key)))
        expect(severityOf.size > 0).toBe(open[0])
        if (!open[0]) continue
        const sternest = open.lastIndexOf(true)
        expect([...severityOf.values()]).toEqual([levels![sternest]!.severity])
      }
    }),
    { numRuns: RUNS },
  )
}, 600_000)

function rank(severity: (typeof SEVERITIES)[number]): number {
  return SEVERITIES.indexOf(severity)
}
