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
  const device = await tx
    .selectFrom('devices')
    .selectAll()
    .where('brand_id', '=', brandId)
    .where('device_id', '=', record.device_id)
    .executeTakeFirst()
  const product = await productDocument(work, record.product_key)
  const rule = record.rule_key === null ? null : await ruleDocument(work, record.rule_key, record.rule_version ?? 0)
  const firmware = device?.attributes.firmware
  return {
    record,
    rule,
    service: rule ? (rule.service ?? null) : await serviceFor(work, record.component, product),
    product,
    device: device
      ? {
          serial: device.serial,
          firmware: firmware === undefined ? null : String(firmware),
          installedAtMs: device.installed_at_ms,
          purchasedAtMs: device.purchased_at_ms,
          lastSeenAtMs: device.last_seen_at_ms,
          extended: device.extended_warranty as ExtendedWarranty | null,
        }
      : null,
    failedRepair: await failedRepair(work, record),
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
    .selectFrom('homes')
    .selectAll()
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', homeId)
    .where('erased_at_ms', 'is', null)
    .executeTakeFirst()
  if (!home) return null
  const person = await work.tx
    .selectFrom('people')
    .select(['person_id', 'role', 'channel', 'channels', 'locale'])
    .where('brand_id', '=', work.brandId)
    .where('home_id', '=', homeId)
    .where('erased_at_ms', 'is', null)
    .orderBy('decides', 'desc')
    .orderBy('created_at_ms')
    .orderBy('person_id')
    .executeTakeFirst()
  return {
    homeId,
    timeZone: home.time_zone,
    quietFrom: home.quiet_from,
    quietTo: home.quiet_to,
    region: home.region,
    locale: person?.locale.startsWith('en') ? 'en' : 'zh-CN',
    personId: person?.person_id ?? null,
    channels: channelsOf(person),
    decider: person?.role ?? 'owner',
  }
}

function channelsOf(person: { channel: string; channels: string[] } | undefined): Channel[] {
  if (!person) return []
  return (person.channels.length > 0 ? person.channels : [person.channel]) as Channel[]
}

export function quietHoursOf(home: HomeFacts): QuietHours {
  return { from: home.quietFrom, to: home.quietTo, timeZone: home.timeZone }
}
