import { catalog } from '#catalog'
import type { CloudEvent, Evidence, Text } from '#contracts'
import { EVENT_TYPE_PREFIX } from '#contracts'
import type { HomeownerChange } from './actors/home-diary.ts'
import type { PartnerChange } from './actors/partner.ts'

/** Width of the column that names the stage: the widest label in a terminal's cells. */
const STAGE_CELLS = 24
const ZONE_OFFSET_MS = 8 * 3_600_000

export interface StoryCounts {
  alerts: number
  offers: number
  /** A visit by the partner. */
  accepted: number
  /** Does the work without a visit. */
  doesItAlone: number
  declined: number
  workOrders: number
  verdicts: number
  noFaultFound: number
  verified: number
  /** Done by the homeowner and seen in the signal. */
  selfServiced: number
  notFixed: number
}

/**
 * Tells a season in lines a person can follow, in both languages: fault seen, offer, answer,
 * work order, verdict, recovery. It knows only what an outsider hears: the brand's events,
 * the homeowners' and the partner's own doings.
 */
export class Story {
  readonly counts: StoryCounts = {
    alerts: 0,
    offers: 0,
    accepted: 0,
    doesItAlone: 0,
    declined: 0,
    workOrders: 0,
    verdicts: 0,
    noFaultFound: 0,
    verified: 0,
    selfServiced: 0,
    notFixed: 0,
  }
  readonly #print: (line: string) => void
  #serials = new Map<string, string>()

  constructor(print: (line: string) => void) {
    this.#print = print
  }

  knowDevices(devices: ReadonlyMap<string, { id: string }>): void {
    this.#serials = new Map([...devices].map(([serial, { id }]) => [id, serial]))
  }

  /** An event the hub sent to the brand. */
  brandEvent(event: CloudEvent, nowMs: number): void {
    const type = event.type.slice(EVENT_TYPE_PREFIX.length)
    if (type === 'alert.firing') {
      this.counts.alerts++
      const data = event.data as { rule: string; deviceId: string; component: string; evidence?: readonly Evidence[] }
      this.#line(
        nowMs,
        '发现 fault seen',
        this.#serials.get(data.deviceId) ?? '?',
        `${ruleName(data.rule)}${measured(data.evidence ?? [])}`,
      )
    } else if (type === 'work_order.verified') {
      this.counts.verified++
      const data = event.data as { number: string; component: string }
      this.#line(
        nowMs,
        '✔ 回访 verified',
        data.number,
        `数据证实已修复 · the signal confirms the repair (${both(componentName(data.component))})`,
      )
    } else if (type === 'work_order.not_fixed' || type === 'work_order.not_observed') {
      this.counts.notFixed++
      const data = event.data as { number: string; component: string }
      const words = type.endsWith('not_fixed')
        ? '问题仍在，返修 · still there, rework'
        : '未见更换 · no change in the signal'
      this.#line(nowMs, '✘ 回访 not verified', data.number, `${words} (${both(componentName(data.component))})`)
    } else if (type === 'case.closed') {
      const data = event.data as { from: string; deviceId: string; component: string }
      if (data.from !== 'self_serviced') return
      this.counts.selfServiced++
      this.#line(
        nowMs,
        '✔ 自理 seen',
        this.#serials.get(data.deviceId) ?? '?',
        `数据证实 the signal confirms it (${both(componentName(data.component))})`,
      )
    } else if (type === 'work_order.unverified') {
      this.#line(nowMs, '回访 unverified', (event.data as { number: string }).number, '数据不足 · not enough data')
    }
  }

  homeowner(change: HomeownerChange): void {
    if (change.kind === 'notice') this.counts.offers++
    if (change.kind === 'accept') this.counts.accepted++
    if (change.kind === 'self_service') this.counts.doesItAlone++
    if (change.kind === 'decline') this.counts.declined++
    this.#line(change.atMs, ...homeownerLine(change))
  }

  partner(change: PartnerChange): void {
    if (change.kind === 'received') this.counts.workOrders++
    if (change.kind === 'verdict') {
      this.counts.verdicts++
      if (change.verdict === 'no_fault_found') this.counts.noFaultFound++
    }
    const line = partnerLine(change)
    if (line) this.#line(change.atMs, ...line)
  }

  #line(atMs: number, stage: string, subject: string, text: string): void {
    this.#print(
      `${stamp(atMs)}  ${stage}${' '.repeat(Math.max(1, STAGE_CELLS - cells(stage)))}${subject.padEnd(15)} ${text}`.trimEnd(),
    )
  }
}

type Line = readonly [stage: string, subject: string, text: string]

function homeownerLine(change: HomeownerChange): Line {
  if (change.kind === 'warned') return ['⚠ 安全 safety', 'home', change.text]
  if (change.kind === 'report')
    return ['报修 reported', change.serial, `${both(componentName(change.component))} (${change.channel})`]
  if (change.kind === 'did_it') return ['自理 done alone', change.serial, both(componentName(change.component))]
  const need = change.view.needs[0]!
  const { serial } = need.device
  const what = both(need.job.title)
  switch (change.kind) {
    case 'notice':
      return ['提醒 offer', serial, `${what} · ${price(change.view)} → ${change.link}`]
    case 'accept':
      return ['同意 accepted', serial, `上门 visit ${stamp(Date.parse(change.detail))}`]
    case 'snooze':
      return ['稍后 snoozed', serial, change.detail]
    case 'decline':
      return ['谢绝 declined', serial, change.detail.replaceAll('_', ' ')]
    case 'self_service':
      return ['自理 does it alone', serial, what]
    case 'ignore':
      return ['未答 unanswered', serial, change.detail]
    case 'stop':
      return ['勿再提醒 no more', serial, what]
    case 'reschedule':
      return ['改期 other time', serial, stamp(Date.parse(change.detail))]
    case 'cancel':
      return ['取消 called off', serial, '']
    case 'withdraw':
      return ['撤回授权 withdrawn', serial, '']
    case 'quote':
      return ['报价 quote', serial, change.detail]
    case 'rate':
      return ['评价 rated', serial, `${change.detail} ★`]
    case 'solved':
      return ['回访 solved?', serial, change.detail]
  }
}

/** Null for what happens but is not worth a line. */
function partnerLine(change: PartnerChange): Line | null {
  switch (change.kind) {
    case 'received': {
      const { packet, number } = change.order
      const jobs = packet.items.map((item) => `${item.device.serial} ${both(item.job.title)}`).join(' + ')
      return ['工单 work order', number, `${jobs} → ${packet.links.job}`]
    }
    case 'status':
      return change.status === 'accepted' ? ['接单 taken', change.order.number, ''] : null
    case 'verdict': {
      const words =
        change.verdict === 'no_fault_found' ? '未发现故障 no fault found' : '确认并更换 confirmed and replaced'
      const truth = `实际磨损 true wear ${Math.round(change.wear * 100)} %`
      return ['师傅 technician', change.order.number, `${change.item.device.serial} ${words} (${truth})`]
    }
    case 'down':
      return ['… 离线 down', 'partner', '服务商离线，投递等待 the server is away, deliveries wait']
    case 'up':
      return ['… 恢复 back', 'partner', '']
    case 'told':
      return null
  }
}

/** Local time of the simulated homes. */
function stamp(atMs: number): string {
  return new Date(atMs + ZONE_OFFSET_MS).toISOString().slice(0, 16).replace('T', ' ')
}

function both(text: Text): string {
  return `${text['zh-CN']} ${text.en}`
}

const RULES = new Map(catalog.flatMap((entry) => entry.rules).map((rule) => [rule.key, rule]))
const COMPONENTS = new Map(catalog.flatMap((entry) => entry.product.components ?? []).map((it) => [it.key, it]))

function ruleName(key: string): string {
  const rule = RULES.get(key)
  return rule ? both(rule.name) : key
}

function componentName(key: string): Text {
  return COMPONENTS.get(key)?.name ?? { en: key, 'zh-CN': key }
}

function measured(evidence: readonly Evidence[]): string {
  // The leg that tells the finding stands first.
  const leg = evidence.find((item) => typeof item.value === 'number' && item.limit !== null)
  if (!leg || typeof leg.value !== 'number') return ''
  const { value, op, limit } = leg
  // As many decimals as it takes to see on which side it stands.
  const shown = [1, 2, 3].map((decimals) => Number(value.toFixed(decimals))).find((it) => it !== limit) ?? value
  return ` · ${shown} ${op} ${limit} ${leg.unit}`
}

function price(view: { charge: { payer: string; totalMinor: number; currency: string } }): string {
  const { payer, totalMinor, currency } = view.charge
  return payer === 'homeowner'
    ? `${(totalMinor / 100).toFixed(2)} ${currency}`
    : `免费 free (${payer.replaceAll('_', ' ')})`
}

/** Columns a terminal gives the text: Chinese characters take two. */
function cells(text: string): number {
  let width = 0
  for (const character of text) width += character.codePointAt(0)! > 0x2e7f ? 2 : 1
  return width
}
