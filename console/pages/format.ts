export type Locale = 'zh-CN' | 'en'

/** `¥279.00`: minor units as the currency counts them; yen have none, yuan a hundred. */
export function money(minor: number, currency: string, locale: Locale): string {
  const format = new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' })
  return format.format(minor / 10 ** minorDigits(currency))
}

export function minorDigits(currency: string): number {
  return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2
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

/** `PT1H30M` or `1h30m` → "1 h 30 min" or "1 小时 30 分钟". */
export function span(duration: string, locale: Locale): string {
  const count = (unit: string): string | undefined => new RegExp(`(\\d+)${unit}`, 'i').exec(duration)?.[1]
  const [days, hours, minutes] = [count('d'), count('h'), count('m(?!s)')]
  const unit = locale === 'en' ? ['d', 'h', 'min'] : ['天', '小时', '分钟']
  const parts = [days, hours, minutes].map((count, i) => (count && count !== '0' ? `${count} ${unit[i]}` : ''))
  return parts.filter(Boolean).join(' ') || `0 ${unit[2]}`
}

/** The instant at which clocks in `timeZone` show `day` (`2026-11-25`) and `time` (`09:00`). */
export function instantAt(day: string, time: string, timeZone: string): string {
  const wantedMs = Date.parse(`${day}T${time}:00.000Z`)
  // The offset is looked up twice, as it may change between the guess and the answer.
  let ms = wantedMs
  for (let i = 0; i < 2; i++) ms = wantedMs - offsetMs(ms, timeZone)
  return new Date(ms).toISOString()
}

/** `2026-11-25` in the zone. */
export function dayIn(instant: string, timeZone: string): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(
    new Date(instant),
  )
}

function offsetMs(atMs: number, timeZone: string): number {
  const at = new Date(atMs)
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone, ...TIME, second: '2-digit' }).format(at)
  return Date.parse(`${dayIn(at.toISOString(), timeZone)}T${clock}.000Z`) - Math.floor(atMs / 1000) * 1000
}
