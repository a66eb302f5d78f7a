import type { Selectable } from 'kysely'
import { Type } from 'typebox'
import { instant, Key, type RuleDocument } from '#contracts'
import { wilsonInterval } from '#models'
import { quantilesOf, scoreStored } from '#pipeline'
import { trustSettings, verdictsOf } from '#service-bridge'
import type { RuleVersionsTable, Tx } from '#store'
import { Expected, expectedVolume } from '../expected-volume.ts'
import { brandOf, VIEWER } from '../http/access.ts'
import { read } from '../http/read.ts'
import { Closed, Nullable, PathName, Time } from '../http/schemas.ts'
import { ruleDocumentOf } from '../rules.ts'
import type { Routes } from './routes.ts'

/** Versions shown: the newest tell how a rule does. */
const VERSIONS_MAX = 20
const DAY_MS = 86_400_000

const Quantiles = Closed({ p10: Type.Number(), p50: Type.Number(), p90: Type.Number() })
const Share = Nullable(Type.Number())
const Interval = Nullable(Type.Array(Type.Number(), { minItems: 2, maxItems: 2, description: '95 %, Wilson' }))
const AgainstOutcomes = Closed({
  confirmed: Type.Integer(),
  noFault: Type.Integer(),
  missed: Type.Integer(),
  foreseen: Type.Integer(),
  undecided: Type.Integer(),
  precision: Share,
  precisionInterval: Interval,
  recall: Share,
})
const VersionScore = Closed({
  version: Type.Integer(),
  activatedAt: Nullable(Time),
  alerts: Type.Integer(),
  verdicts: Closed({ confirmed: Type.Integer(), otherCause: Type.Integer(), noFault: Type.Integer() }),
  precision: Share,
  precisionInterval: Interval,
  noFaultRate: Share,
  againstOutcomes: AgainstOutcomes,
  leadTimeDays: Nullable(Quantiles),
  visitAfterDays: Nullable({ ...Quantiles, description: 'from the first alert of a case to the verdict' }),
  offers: Closed({ made: Type.Integer(), answered: Type.Integer(), accepted: Type.Integer() }),
  cost: Closed({
    orders: Type.Integer(),
    totalMinor: Type.Integer(),
    perConfirmedMinor: Nullable(
      Type.Integer({ description: 'what one finding cost, the visits for nothing included' }),
    ),
  }),
  alarm: Nullable(Closed({ kind: Type.Enum(['demoted', 'alarmed']), at: Time })),
})
const params = Closed({ rule: PathName })
const tags = ['rules']

/** How a rule does, and what it would cause. */
export const scorecardRoutes: Routes = async (app, services) => {
  app.get(
    '/api/rules/:rule/scorecard',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'How each version of a rule has done: verdicts, failures foreseen and missed, offers, cost',
        tags,
        params,
        response: {
          200: Closed({
            key: Key,
            precisionBar: Type.Number(),
            versions: Type.Array(VersionScore, { description: 'newest first' }),
          }),
        },
      },
    },
    (request) =>
      read(services, request, async (tx, brandId) => {
        const { rule } = request.params
        await ruleDocumentOf(tx, brandId, rule)
        const versions = await tx
          .selectFrom('rule_versions')
          .selectAll()
          .where('brand_id', '=', brandId)
          .where('rule_key', '=', rule)
          .orderBy('version', 'desc')
          .limit(VERSIONS_MAX)
          .execute()
        const { precisionBar } = await trustSettings(tx, brandId)
        const scores = []
        for (const row of versions) scores.push(await scoreOf(tx, brandId, row, services.clock.nowMs()))
        return { key: rule, precisionBar, versions: scores }
      }),
  )

  app.get(
    '/api/rules/:rule/expected-volume',
    {
      config: { access: VIEWER },
      schema: {
        summary: 'What the newest version would cause over the whole fleet, from the last month',
        description: 'null when no reading of that time says anything. Kept for a day.',
        tags,
        params,
        response: { 200: Closed({ expected: Nullable(Expected) }) },
      },
    },
    async (request) => {
      const document = await read(services, request, (tx, brandId) => ruleDocumentOf(tx, brandId, request.params.rule))
      return { expected: await expectedVolume(services, brandOf(request), document) }
    },
  )
}

async function scoreOf(tx: Tx, brandId: string, row: Selectable<RuleVersionsTable>, nowMs: number) {
  const { rule_key: ruleKey, version } = row
  const { component } = row.document as RuleDocument
  const verdicts = await verdictsOf(tx, { brandId, ruleKey, version })
  const count = (wanted: string): number => verdicts.filter(({ verdict }) => verdict === wanted).length
  const [confirmed, noFault] = [count('confirmed'), count('no_fault_found')]
  const judged = verdicts.length
  const { alerts, againstOutcomes, leadTimeDays } = await scoreStored(tx, {
    brandId,
    ruleKey,
    version,
    component,
    nowMs,
  })
  const totalMinor = verdicts.reduce((sum, { chargeMinor }) => sum + chargeMinor, 0)
  const alarm = await tx
    .selectFrom('rule_alarms')
    .select(['kind', 'at_ms'])
    .where('brand_id', '=', brandId)
    .where('rule_key', '=', ruleKey)
    .where('rule_version', '=', version)
    .orderBy('at_ms', 'desc')
    .limit(1)
    .executeTakeFirst()
  return {
    version,
    activatedAt: row.activated_at_ms === null ? null : instant(row.activated_at_ms),
    alerts,
    verdicts: { confirmed, otherCause: count('other_cause'), noFault },
    precision: judged > 0 ? confirmed / judged : null,
    precisionInterval: judged > 0 ? wilsonInterval(confirmed, judged) : null,
    noFaultRate: judged > 0 ? noFault / judged : null,
    againstOutcomes,
    leadTimeDays,
    visitAfterDays: quantilesOf(verdicts.map(({ openedAtMs, foundAtMs }) => (foundAtMs - openedAtMs) / DAY_MS)),
    offers: await offersOf(tx, brandId, ruleKey, version),
    cost: {
      orders: judged,
      totalMinor,
      perConfirmedMinor: confirmed > 0 ? Math.round(totalMinor / confirmed) : null,
    },
    alarm: alarm ? { kind: alarm.kind, at: instant(alarm.at_ms) } : null,
  }
}

async function offersOf(tx: Tx, brandId: string, ruleKey: string, version: number) {
  const row = await tx
    .selectFrom('offers as o')
    .innerJoin('offer_items as i', (join) =>
      join.onRef('i.brand_id', '=', 'o.brand_id').onRef('i.offer_id', '=', 'o.offer_id'),
    )
    .innerJoin('cases as c', (join) => join.onRef('c.brand_id', '=', 'i.brand_id').onRef('c.case_id', '=', 'i.case_id'))
    .select((eb) => {
      const offers = eb.fn.count<number>('o.offer_id').distinct()
      return [
        offers.as('made'),
        offers.filterWhere('o.state', 'in', [...ACCEPTED, 'self_service', 'declined', 'expired']).as('answered'),
        offers.filterWhere('o.state', 'in', ACCEPTED).as('accepted'),
      ]
    })
    .where('o.brand_id', '=', brandId)
    .where('c.rule_key', '=', ruleKey)
    .where('c.rule_version', '=', version)
    .executeTakeFirstOrThrow()
  return { made: Number(row.made), answered: Number(row.answered), accepted: Number(row.accepted) }
}

/** An accepted offer is closed when its visit is over. */
const ACCEPTED = ['accepted', 'closed'] as const
