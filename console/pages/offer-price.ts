import type { ChargeLine, OfferView, Payer } from '#contracts'
import { type Child, el } from './dom.ts'
import { money, span } from './format.ts'
import { type Offer, visited } from './offer-state.ts'
import type { Word } from './words.ts'

export const LINE_KINDS: Readonly<Record<ChargeLine['kind'], Word>> = {
  inspection: 'inspection',
  part: 'part',
  labour: 'labour',
  other: 'otherCost',
}
export const PAYERS: Readonly<Record<Payer, Word>> = {
  homeowner: 'payerHomeowner',
  warranty: 'payerWarranty',
  extended_warranty: 'payerExtended',
  brand: 'payerBrand',
  partner: 'payerPartner',
}
/** Beside a line that somebody else pays. */
export const COVERED: Readonly<Record<Payer, Word>> = {
  homeowner: 'coveredHomeowner',
  warranty: 'coveredWarranty',
  extended_warranty: 'coveredExtended',
  brand: 'coveredBrand',
  partner: 'coveredPartner',
}

export function lineName(
  { kind, name, sku, quantity = 1 }: ChargeLine,
  { say, locale }: Pick<Offer, 'say' | 'locale'>,
): string {
  return [say(LINE_KINDS[kind]), name?.[locale] ?? sku, quantity > 1 ? `× ${quantity}` : ''].filter(Boolean).join(' ')
}

/** Names and amounts under each other, the sum below a line. */
export function priceRows(
  lines: readonly ChargeLine[],
  { currency, payer, total }: { currency: string; payer: Payer; total: readonly [name: string, minor: number] },
  { say, locale }: Pick<Offer, 'say' | 'locale'>,
): HTMLElement {
  const rows = lines.flatMap((line): Child[] => {
    const covered = line.coveredBy !== undefined && line.coveredBy !== payer
    const amount = covered ? say(COVERED[line.coveredBy!]) : money(line.amountMinor, currency, locale)
    return [el('dt', {}, lineName(line, { say, locale })), el('dd', { class: covered ? 'soft' : null }, amount)]
  })
  return el(
    'dl',
    { class: 'rows' },
    ...rows,
    el('dt', { class: 'total' }, total[0]),
    el('dd', { class: 'total' }, money(total[1], currency, locale)),
  )
}

/** What it costs, line by line, and who pays which. */
export function price(view: OfferView, { say, locale }: Offer): HTMLElement {
  const { charge } = view
  const free = charge.payer !== 'homeowner'
  const words: Word = free
    ? PAYERS[charge.payer]
    : charge.collectedBy === 'brand'
      ? 'payerHomeownerBrand'
      : charge.lines.some((line) => line.coveredBy !== undefined && line.coveredBy !== 'homeowner')
        ? 'payerShared'
        : 'payerHomeowner'
  const minutes = view.needs.map((need) => span(need.job.duration, locale)).join(' + ')
  const total = [say('youPay'), free ? 0 : charge.totalMinor] as const
  return el(
    'section',
    { class: 'card' },
    el('h2', {}, say('price')),
    free && el('p', { class: 'big' }, say(words)),
    priceRows(charge.lines, { ...charge, total }, { say, locale }),
    !free && el('p', { class: 'soft' }, say(words)),
    charge.acceptedAt !== undefined && !visited(view) && el('p', { class: 'soft' }, say('priceHolds')),
    !visited(view) && el('p', { class: 'soft' }, `${say('takes')} ${minutes}`),
  )
}
