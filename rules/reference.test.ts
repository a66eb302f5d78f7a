import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AlertEffect, ProductDocument, RuleDocument } from '#contracts'
import { sameSemantics } from './canonical-rule.ts'
import * as arbitrary from './testing/arbitraries.ts'
import {
  type ReferenceDevice,
  type ReferenceEdit,
  type ReferenceEpisode,
  type ReferenceSample,
  referenceEvaluate,
} from './testing/reference-evaluator.ts'
import { aProduct, aRule, MINUTE, Story, T0 } from './testing/story.ts'

/** Random samples seen by the test against the reference; a million and more by `REFERENCE_SAMPLES=1000000`. */
const SAMPLES = Number(process.env.REFERENCE_SAMPLES ?? 6_000)
const RUNS = Number(process.env.PROPERTY_RUNS ?? 300)
/** A shared machine may be slow; nothing here depends on it. */
const PATIENCE_MS = 3_600_000
/** A second under way, so that a tick at a boundary never speaks for a reading of the same moment. */
const TRANSIT_MS = 1_000
/** Readings begin here, in minutes: twenty before midnight in Shanghai. */
const BEGIN = 940
/** Rules are enabled a minute before, and look at the calendar with the next tick. */
const FROM_MS = T0 + (BEGIN - 1) * MINUTE + 10_000

const PRODUCTS = (['periodic', 'onChange'] as const).map((mode) =>
  aProduct({
    metrics: aProduct().metrics.map((metric) => (metric.key === 'fan_rpm' ? { ...metric, max: 10 } : metric)),
    reporting: { mode, every: '1m', heartbeat: '1m' },
  }),
)

interface World {
  product: ProductDocument
  rule: RuleDocument
  device: ReferenceDevice
}

const world: fc.Arbitrary<World> = fc
  .record({
    rule: arbitrary.rule,
    product: fc.constantFrom(...PRODUCTS),
    installed: fc.integer({ min: -10, max: 240 }),
  })
  .map(({ rule, product, installed }) => ({
    rule,
    product,
    // A day before the readings, give or take; not on a boundary of ticks.
    device: { installedAtMs: T0 + BEGIN * MINUTE - 86_400_000 + installed * 10_000 - 1, fromMs: FROM_MS },
  }))

function storyOf({ rule, product, device: { installedAtMs } }: World, restartAlways = false): Story {
  return new Story({ rules: [rule], product, device: { installedAtMs }, from: BEGIN - 1, restartAlways })
}

function placed(drawn: readonly arbitrary.DrawnSample[]): ReferenceSample[] {
  let atMs = T0 + BEGIN * MINUTE
  return drawn.map(({ step, values }) => ({ atMs: (atMs += step * 10_000), values }))
}

function read(story: Story, sample: ReferenceSample, receivedMs: number): AlertEffect[] {
  return story.read({
    at: (sample.atMs - T0) / MINUTE,
    received: (receivedMs - T0) / MINUTE,
    values: sample.values,
  })
}

/** The episodes as effects tell them. */
function episodesTold(effects: readonly AlertEffect[]): (ReferenceEpisode & { episodeId: string })[] {
  const told = new Map<string, ReferenceEpisode & { episodeId: string }>()
  for (const effect of effects) {
    if (effect.kind === 'alert.firing')
      told.set(effect.episode.episodeId, {
        episodeId: effect.episode.episodeId,
        startedAtMs: effect.episode.startedAtMs,
        resolvedAtMs: null,
      })
    if (effect.kind === 'alert.resolved') told.get(effect.episode.episodeId)!.resolvedAtMs = 1
  }
  return [...told.values()]
}

const ended = (episodes: readonly ReferenceEpisode[]) =>
  episodes
    .map(({ startedAtMs, resolvedAtMs }) => ({ startedAtMs, ended: resolvedAtMs !== null }))
    .sort((a, b) => a.startedAtMs - b.startedAtMs)

/** What goes wrong on the way of a reading that comes in time. */
const mishap = fc.constantFrom('none', 'none', 'none', 'twice', 'clock', 'too-old', 'restart', 'saved-again')

test(
  'agrees with the slow reference after every reading and every tick, whatever comes twice, restarts or has a wrong clock',
  () => {
    let seen = 0
    const mishaps = fc.array(mishap, { minLength: 40, maxLength: 40 })
    fc.assert(
      fc.property(world, arbitrary.samples, mishaps, (drawnWorld, drawn, wrong) => {
        const { rule, product, device } = drawnWorld
        const story = storyOf(drawnWorld)
        const samples = placed(drawn)
        seen += samples.length
        samples.forEach((sample, i) => {
          const receivedMs = sample.atMs + TRANSIT_MS
          read(story, sample, receivedMs)
          if (wrong[i] === 'twice') read(story, sample, receivedMs)
          if (wrong[i] === 'clock') story.skewed(receivedMs, 'dev_1')
          // Buffered for an hour: history, which changes nothing.
          if (wrong[i] === 'too-old')
            read(story, { atMs: sample.atMs - 3_600_000, values: { filter_dp_pa: 9, mode: 'E4' } }, receivedMs)
          if (wrong[i] === 'restart') story.restart()
          if (wrong[i] === 'saved-again')
            story.activate((receivedMs - T0) / MINUTE, { ...rule, notes: `saved ${i}` }, { version: i + 2 })
          // The boundary after the reading: device time stands a second behind it.
          const boundaryMs = sample.atMs + 10_000
          if (samples[i + 1] && samples[i + 1]!.atMs <= boundaryMs) return
          story.tick((boundaryMs - T0) / MINUTE)
          const expected = referenceEvaluate(rule, product, samples.slice(0, i + 1), boundaryMs - TRANSIT_MS, device)
          expect(story.state()).toBe(expected.state)
          expect(ended(episodesTold(story.effects))).toEqual(ended(expected.episodes))
        })
        expect(story.evaluator.counters().revised).toBe(0)
      }),
      // A run has twenty samples on average.
      { numRuns: Math.ceil(SAMPLES / 20) },
    )
    expect(seen).toBeGreaterThan(SAMPLES * 0.8)
  },
  PATIENCE_MS,
)

test(
  'T19: a new version that was warming all along takes over as the slow reference says, and decides from there',
  () => {
    let edits = 0
    fc.assert(
      fc.property(
        world,
        arbitrary.rule,
        arbitrary.samples,
        fc.nat(39),
        fc.boolean(),
        (drawn, next, steps, at, again) => {
          const { rule, product, device } = drawn
          if (sameSemantics(rule, next)) return
          const story = storyOf(drawn)
          story.activate(BEGIN - 1, next, { version: 2 })
          const samples = placed(steps)
          let edit: ReferenceEdit | null = null
          samples.forEach((sample, i) => {
            read(story, sample, sample.atMs + TRANSIT_MS)
            // The boundary after the reading: device time stands a second behind it. Between boundaries nobody looks.
            const boundaryMs = sample.atMs + 10_000
            if (samples[i + 1] && samples[i + 1]!.atMs <= boundaryMs) return
            story.tick((boundaryMs - T0) / MINUTE)
            const seen = samples.slice(0, i + 1)
            const nowMs = boundaryMs - TRANSIT_MS
            if (edit === null && i >= at % samples.length) {
              edit = { atMs: nowMs, before: referenceEvaluate(rule, product, seen, nowMs, device).episodes }
              story.control((boundaryMs - T0) / MINUTE, { type: 'rule.warmed', ruleKey: rule.key, version: 2 })
              edits++
              if (again) story.restart()
            }
            const expected = edit
              ? referenceEvaluate(next, product, seen, nowMs, device, edit)
              : referenceEvaluate(rule, product, seen, nowMs, device)
            expect(story.state()).toBe(expected.state)
            expect(ended(episodesTold(story.effects))).toEqual(ended(expected.episodes))
          })
        },
      ),
      // The same worlds every time: more of them by hand, REFERENCE_SEED and REFERENCE_SAMPLES.
      { numRuns: Math.ceil(SAMPLES / 20), seed: Number(process.env.REFERENCE_SEED ?? 1) },
    )
    expect(edits).toBeGreaterThan((SAMPLES / 20) * 0.8)
  },
  PATIENCE_MS,
)

test(
  'I4: readings reordered within lateness lead to the same state and episodes, but for those marked revised',
  () => {
    const order = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 40, maxLength: 40 })
    fc.assert(
      fc.property(world, arbitrary.samples, order, (drawnWorld, drawn, delays) => {
        const { rule, product, device } = drawnWorld
        const story = storyOf(drawnWorld)
        const samples = placed(drawn)
        // Each arrives up to two minutes after its time; none is more than 15 minutes behind the newest.
        const arrivals = samples
          .map((sample, i) => ({ sample, atMs: sample.atMs + TRANSIT_MS + delays[i]! * 10_000 }))
          .sort((a, b) => a.atMs - b.atMs)
        for (const { sample, atMs } of arrivals) read(story, sample, atMs)
        const lastMs = Math.max(...arrivals.map(({ atMs }) => atMs))
        // Both worlds end with one more reading, on time, so that their clocks agree.
        const final = { atMs: Math.ceil(lastMs / 10_000) * 10_000 + 10_000, values: { filter_dp_pa: 5, fan_rpm: 5 } }
        read(story, final, final.atMs + TRANSIT_MS)
        story.tick((final.atMs + 10_000 - T0) / MINUTE)
        const nowMs = final.atMs + 10_000 - TRANSIT_MS
        const expected = referenceEvaluate(rule, product, [...samples, final], nowMs, device)
        const told = episodesTold(story.effects)
        const revised = new Set(
          story.effects.flatMap((effect) => (effect.kind === 'alert.revised' ? [effect.episode.episodeId] : [])),
        )
        const untouched = told.filter(({ episodeId }) => !revised.has(episodeId))
        const wanted = ended(expected.episodes)
        if (revised.size === 0) {
          expect(story.state()).toBe(expected.state)
          expect(ended(told)).toEqual(wanted)
        } else {
          // Whoever is not marked is as it should be, and nothing is missing that no marked one stands for.
          for (const episode of ended(untouched)) expect(wanted).toContainEqual(episode)
          expect(wanted.length - untouched.length).toBeLessThanOrEqual(revised.size)
        }
      }),
      { numRuns: RUNS },
    )
  },
  PATIENCE_MS,
)

test('the reference reads the example of the contract as a person would', () => {
  const values = [...Array(5).fill(200), ...Array(12).fill(260), null, null, null, 260, 260, ...Array(70).fill(220)]
  const samples = values.flatMap((dp, i) =>
    dp === null ? [] : [{ atMs: T0 + i * MINUTE, values: { filter_dp_pa: dp } }],
  )
  const rule = aRule({ latch: 'until-serviced' })
  const at = (minute: number) => referenceEvaluate(rule, aProduct(), samples, T0 + minute * MINUTE)
  expect(at(14).state).toBe('pending')
  expect(at(15)).toEqual({ state: 'firing', episodes: [{ startedAtMs: T0 + 5 * MINUTE, resolvedAtMs: null }] })
  expect(at(90).state).toBe('cleared-latched')
})
