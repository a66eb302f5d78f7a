export type Locale = 'zh-CN' | 'en'

export function money(minor: number, currency: string, locale: Locale): string {
  return new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' }).format(
    minor / 100,
  )
}

const DATE = { month: 'short', day: 'numeric' } as const
const WEEKDAY = { weekday: 'short' } as const
const TIME = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
/** Piece by piece, because Chinese would otherwise run the date into the weekday. */
const WHEN = {
  day: [DATE, WEEKDAY],
  date: [DATE],
  full: [DATE, WEEKDAY, TIME],
  time: [TIME],
} as const satisfies Record<string, readonly Intl.DateTimeFormatOptions[]>

/** `12月1日 周二 09:00` or `Dec 1 Tue 09:00`, in the home's own zone. */

export function when(
  instant: string,
  form: keyof typeof WHEN,
  { locale, timeZone }: { locale: Locale; timeZone: string },
): string {
  const date = new Date(instant)
  return WHEN[form].map((piece) => new Intl.DateTimeFormat(locale, { ...piece, timeZone }).format(date)).join(' ')
}

/** `Nov 24 Tue 09:00–11:00`, in the home's own zone. */
export function slotText(slot: { from: string; to: string }, where: { locale: Locale; timeZone: string }): string {
  return `${when(slot.from, 'day', where)} ${slotHours(slot, where)}`
}

export function slotHours(slot: { from: string; to: string }, where: { locale: Locale; timeZone: string }): string {
  return `${when(slot.from, 'time', where)}–${when(slot.to, 'time', where)}`
}

/** A measured value as people write it: no more digits than mean something. */
export function quantity(value: number, unit: string, locale: Locale): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  const number = new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value)
  return unit === '' || unit === '1' ? number : `${number} ${unit}`
}

/** `PT1H30M` → "1 h 30 min" or "1 小时 30 分钟". */
export function span(duration: string, locale: Locale): string {
  const [, days, hours, minutes] = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?/.exec(duration) ?? []
  const unit = locale === 'en' ? ['d', 'h', 'min'] : ['天', '小时', '分钟']
  const parts = [days, hours, minutes].map((count, i) => (count && count !== '0' ? `${count} ${unit[i]}` : ''))
  return parts.filter(Boolean).join(' ') || `0 ${unit[2]}`
}
