import type { JobView, SiteAddress } from '#contracts'
import { call } from './call.ts'
import { el } from './dom.ts'
import type { Job } from './job-state.ts'

/** Once shown it stays on the page, so that looking twice is recorded once. Never stored. */
let site: SiteAddress | null = null

export function address(view: JobView, page: Job, path: string): HTMLElement {
  const { say } = page
  const root = el('section', { class: 'card' }, el('h2', {}, say('address')))
  if (!view.siteOpen) {
    site = null
    root.append(el('p', { class: 'soft' }, say(view.status === null ? 'addressAfter' : 'addressClosed')))
    return root
  }
  const draw = (found: SiteAddress): void =>
    root.replaceChildren(el('h2', {}, say('address')), ...siteLines(found, page))
  if (site) {
    draw(site)
    return root
  }
  const messages = el('div', { role: 'alert' })
  const button = el('button', { type: 'button', 'data-address': '', click: () => void fetchSite() }, say('addressShow'))
  const fetchSite = async (): Promise<void> => {
    button.disabled = true
    messages.replaceChildren()
    const answer = await call<SiteAddress>(path)
    button.disabled = false
    if (answer.ok) {
      site = answer.value
      // The page may have been drawn anew while the address was on its way.
      return root.isConnected ? draw(site) : page.redraw()
    }
    const word = answer.trouble === 'offline' ? 'offlineShort' : answer.trouble === 'gone' ? 'addressGone' : 'failed'
    messages.replaceChildren(el('p', { class: 'notice alarm' }, say(word)))
  }
  root.append(messages, button)
  return root
}

function siteLines(found: SiteAddress, { say, locale }: Job): HTMLElement[] {
  const { contact } = found
  const lines = [
    [found.province, found.city === found.province ? null : found.city, found.district],
    [found.street, found.community],
    [found.building, found.unit, found.floor, found.room],
  ]
    .map((line) => line.filter(Boolean).join(' '))
    .filter(Boolean)
  const number = contact.number.replace(/[^\d+]/g, '')
  // A comma waits for the line before the extension is dialled.
  const tel = contact.extension ? `${number},${contact.extension.replace(/[^\d#*]/g, '')}` : number
  const spoken = [
    say('call'),
    contact.name,
    contact.number,
    contact.extension ? `${say('extension')} ${contact.extension}` : '',
  ]
  return [
    el('address', {}, ...lines.map((line) => el('p', { class: 'lead' }, line))),
    ...(found.accessNotes ? [el('p', {}, el('strong', {}, say('access')), found.accessNotes)] : []),
    el('a', { class: 'button main', href: `tel:${tel}` }, spoken.filter(Boolean).join(' ')),
    ...(contact.kind === 'privacy' ? [el('p', { class: 'soft' }, say('privacyNumber'))] : []),
    ...(contact.locale && contact.locale !== locale
      ? [el('p', { class: 'soft' }, `${say('speaks')} ${contact.locale}`)]
      : []),
    navigation(found, lines.join(' '), say),
  ]
}

/** The phone's own map app, or the one most technicians have; nothing is asked of either before the tap. */
function navigation({ geo, community, building }: SiteAddress, text: string, say: Job['say']): HTMLElement {
  const label = [community, building].filter(Boolean).join(' ') || text
  const amap = geo
    ? `https://uri.amap.com/navigation?to=${geo.lng},${geo.lat},${encodeURIComponent(label)}&mode=car&coordinate=${geo.datum === 'gcj02' ? 'gaode' : 'wgs84'}&callnative=1`
    : `https://uri.amap.com/search?keyword=${encodeURIComponent(text)}&callnative=1`
  // The address in words is the same on every map; coordinates of `geo:` are WGS 84 and would be off by half a kilometre.
  const own =
    geo?.datum === 'wgs84'
      ? `geo:${geo.lat},${geo.lng}?q=${encodeURIComponent(text)}`
      : `geo:0,0?q=${encodeURIComponent(text)}`
  const link = (href: string, words: string) =>
    el(
      'a',
      { class: 'button', href, rel: 'noreferrer noopener', target: href.startsWith('http') ? '_blank' : null },
      words,
    )
  return el('div', { class: 'pair' }, link(amap, say('navigateAmap')), link(own, say('navigateOwn')))
}
