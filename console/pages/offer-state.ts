import type { OfferView } from '#contracts'
import { call, tokenOf } from './call.ts'
import type { Page } from './session.ts'

/** What every part of the homeowner's page works with. */
export type Offer = Page<OfferView>
export type Need = OfferView['needs'][number]

const path = `/home/v1/offers/${encodeURIComponent(tokenOf(location.pathname))}`

export const readOffer = () => call<OfferView>(path)

/** One of the calls of the link; each answers with the offer as it then is. */
export const tell = (verb: string, body: object) => call<OfferView>(`${path}/${verb}`, body)

/** Whether the technician has been there. */
export function visited(view: OfferView): boolean {
  return view.state === 'closed' || view.progress?.stage === 'done' || view.progress?.stage === 'followed_up'
}

/** Whether the trouble is known to be gone. */
export function solved(view: OfferView): boolean {
  const result = view.progress?.result
  const all = view.progress?.results ?? []
  // Where there are several, one that holds does not speak for the others.
  if (result?.solved !== true && all.some(({ verified }) => verified !== 'verified')) return false
  return (
    view.state === 'withdrawn' ||
    result?.solved === true ||
    (result?.verified === 'verified' && result.solved !== false)
  )
}

export function applianceAndPart(
  { device, component }: Pick<Need, 'device' | 'component'>,
  locale: 'zh-CN' | 'en',
): string {
  return `${device.name[locale]} · ${component.name[locale]}`
}

/** Causes are written without a full stop, so that others can go on after them. */
export function sentence(text: string, locale: 'zh-CN' | 'en'): string {
  return /[.。!！?？]$/.test(text) ? text : text + (locale === 'en' ? '.' : '。')
}
