export type Locale = 'zh-CN' | 'en'

export function money(minor: number, currency: string, locale: Locale): string {
  return new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' }).format(
    minor / 100,
  )
}

const WHEN = {
  day: { month: 'numeric', day: 'numeric', weekday: 'short' },
  date: { month: 'long', day: 'numeric' },
  full: { month: 'numeric', day: 'numeric', weekday: 'short', hour: '2-digit', minute: '2-digit', hour12: false },
  time: { hour: '2-digit', minute: '2-digit', hour12: false },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>

export function when(
  instant: string,
  form: keyof typeof WHEN,
  { locale, timeZone }: { locale: Locale; timeZone: string },
): string {
  return new Intl.DateTimeFormat(locale, { ...WHEN[form], timeZone }).format(new Date(instant))
}

/** `11/24 Mon 09:00–11:00`, in the home's own zone. */
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
