import { sql } from 'kysely'
import type { Channel, ExtendedWarranty, ProductDocument, RuleDocument, RuleService, Text } from '#contracts'
import type { CaseRecord } from './cases/case-record.ts'
import type { Work } from './core.ts'
import type { QuietHours } from './notices/quiet-hours.ts'

/** What offers and orders need to know of a case's surroundings. */
export interface CaseFacts {
  record: CaseRecord
  rule: RuleDocument | null
  /** What a visit for it is: its rule's, or for a need that a person reported, that of a rule watching the same component. */
  service: RuleService | null
  product: ProductDocument | null
  device: {
    serial: string
    firmware: string | null
    installedAtMs: number | null
    purchasedAtMs: number | null
    lastSeenAtMs: number | null
    extended: ExtendedWarranty | null
  } | null
  /** The repair of this case that did not hold: what comes next is a rework of it, for whoever made it. */
  failedRepair: { workOrderId: string; partnerKey: string } | null
}

export async function caseFacts(work: Work, record: CaseRecord): Promise<CaseFacts> {
  const { tx, brandId } = work
  const [row, repair] = await Promise.all([
    tx
      .selectFrom('cases as c')
      .leftJoin('devices as d', (join) =>
        join.onRef('d.brand_id', '=', 'c.brand_id').onRef('d.device_id', '=', 'c.device_id'),
      )
      .leftJoin('products as p', (join) =>
        join.onRef('p.brand_id', '=', 'c.brand_id').onRef('p.product_key', '=', 'c.product_key'),
      )
      .leftJoin('product_versions as pv', (join) =>
        join
          .onRef('pv.brand_id', '=', 'p.brand_id')
          .onRef('pv.product_key', '=', 'p.product_key')
          .onRef('pv.version', '=', 'p.current_version'),
      )
      .leftJoin('rule_versions as rv', (join) =>
        join
          .onRef('rv.brand_id', '=', 'c.brand_id')
          .onRef('rv.rule_key', '=', 'c.rule_key')
          .onRef('rv.version', '=', 'c.rule_version'),
      )
      .where('c.brand_id', '=', brandId)
      .where('c.case_id', '=', record.case_id)
      .select(['d.serial', 'd.attributes', 'd.installed_at_ms', 'd.purchased_at_ms', 'd.last_seen_at_ms'])
      .select(['d.extended_warranty', 'pv.document as product', 'rv.document as rule'])
      .executeTakeFirstOrThrow(),
    failedRepair(work, record),
  ])
  const { product, rule } = row
  const firmware = row.attributes?.firmware
  return {
    record,
    rule,
    service: rule ? (rule.service ?? null) : await serviceFor(work, record.component, product),
    product,
    device:
      row.serial === null
        ? null
        : {
            serial: row.serial,
            firmware: firmware === undefined ? null : String(firmware),
            installedAtMs: row.installed_at_ms,
            purchasedAtMs: row.purchased_at_ms,
            lastSeenAtMs: row.last_seen_at_ms,
            extended: row.extended_warranty as ExtendedWarranty | null,
          },
    failedRepair: repair,
  }
}

export async function productDocument(work: Work, productKey: string): Promise<ProductDocument | null> {
  const row = await work.tx
    .selectFrom('products as p')
    .innerJoin('product_versions as v', (join) =>
      join
        .onRef('v.brand_id', '=', 'p.brand_id')
        .onRef('v.product_key', '=', 'p.product_key')
        .onRef('v.version', '=', 'p.current_version'),
    )
    .select('v.document')
    .where('p.brand_id', '=', work.brandId)
    .where('p.product_key', '=', productKey)
    .executeTakeFirst()
  return row?.document ?? null
}

/** How the brand has this component serviced: as its active rules for it say, the first by name. */
async function serviceFor(work: Work, component: string, product: ProductDocument | null): Promise<RuleService | null> {
  const rows = await work.tx
    .selectFrom('rules as r')
    .innerJoin('rule_versions as v', (join) =>
      join
        .onRef('v.brand_id', '=', 'r.brand_id')
        .onRef('v.rule_key', '=', 'r.rule_key')
        .on('v.version', '=', sql<number>`coalesce(r.live_version, r.current_version)`),
    )
    .select('v.document')
    .where('r.brand_id', '=', work.brandId)
    .where('r.status', '=', 'active')
    .orderBy('r.rule_key')
    .execute()
  const fitting = rows.find(
    ({ document: { scope, service, component: its } }) =>
      service !== undefined &&
      its === component &&
      (scope.product === undefined || scope.product === product?.key) &&
      (scope.category === undefined || scope.category === product?.category),
  )
  return fitting?.document.service ?? null
}

/** The last repair reported for the case. An order that was refused or called off repaired nothing. */
async function failedRepair(work: Work, record: CaseRecord): Promise<CaseFacts['failedRepair']> {
  if (record.orders === 0) return null
  const row = await work.tx
    .selectFrom('order_items as i')
    .innerJoin('work_orders as o', (join) =>
      join.onRef('o.brand_id', '=', 'i.brand_id').onRef('o.work_order_id', '=', 'i.work_order_id'),
    )
    .select(['o.work_order_id', 'o.partner_key'])
    .where('i.brand_id', '=', work.brandId)
    .where('i.case_id', '=', record.case_id)
    .where('i.verdict', 'in', ['confirmed', 'other_cause'])
    .orderBy('i.finished_at_ms', 'desc')
    .orderBy('o.created_at_ms', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row ? { workOrderId: row.work_order_id, partnerKey: row.partner_key } : null
}

export async function ruleDocument(work: Work, key: string, version: number): Promise<RuleDocument | null> {
  const row = await work.tx
    .selectFrom('rule_versions')
    .select('document')
    .where('brand_id', '=', work.brandId)
    .where('rule_key', '=', key)
    .where('version', '=', version)
    .executeTakeFirst()
  return row?.document ?? null
}

export async function brandWords(work: Work): Promise<{ key: string; name: Text }> {
  const row = await work.tx
    .selectFrom('brands')
    .select(['key', 'name'])
    .where('brand_id', '=', work.brandId)
    .executeTakeFirstOrThrow()
  return { key: row.key, name: { en: row.name.en ?? row.key, 'zh-CN': row.name['zh-CN'] ?? row.name.en ?? row.key } }
}

export interface HomeFacts {
  homeId: string
  timeZone: string
  quietFrom: string
  quietTo: string
  region: string | null
  locale: 'zh-CN' | 'en'
  /** Who is spoken to: the one who decides; `null` when the brand registered nobody. */
  personId: string | null
  /** By that person's preference. */
  channels: Channel[]
  /** Who decides, for the consent record. */
  decider: 'owner' | 'resident' | 'delegate'
}

/** The home and the person in it who decides; `null` when it is unknown or erased. */
export async function homeFacts(work: Work, homeId: string | null): Promise<HomeFacts | null> {
  if (homeId === null) return null
  const home = await work.tx
    .selectFrom('homes as h')
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('people')
          .select(['person_id', 'role', 'channel', 'channels', 'locale'])
          .whereRef('brand_id', '=', 'h.brand_id')
          .whereRef('home_id', '=', 'h.home_id')
          .where('erased_at_ms', 'is', null)
          .orderBy('decides', 'desc')
          .orderBy('created_at_ms')
          .orderBy('person_id')
          .limit(1)
          .as('p'),
      (join) => join.onTrue(),
    )
    .select(['h.time_zone', 'h.quiet_from', 'h.quiet_to', 'h.region'])
    .select(['p.person_id', 'p.role', 'p.channel', 'p.channels', 'p.locale'])
    .where('h.brand_id', '=', work.brandId)
    .where('h.home_id', '=', homeId)
    .where('h.erased_at_ms', 'is', null)
    .executeTakeFirst()
  if (!home) return null
  return {
    homeId,
    timeZone: home.time_zone,
    quietFrom: home.quiet_from,
    quietTo: home.quiet_to,
    region: home.region,
    locale: home.locale?.startsWith('en') ? 'en' : 'zh-CN',
    personId: home.person_id,
    channels: channelsOf(home),
    decider: home.role ?? 'owner',
  }
}

function channelsOf({ channel, channels }: { channel: string | null; channels: string[] | null }): Channel[] {
  if (channel === null) return []
  return (channels && channels.length > 0 ? channels : [channel]) as Channel[]
}

export function quietHoursOf(home: HomeFacts): QuietHours {
  return { from: home.quietFrom, to: home.quietTo, timeZone: home.timeZone }
}
