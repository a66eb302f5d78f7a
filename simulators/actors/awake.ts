const HOUR_MS = 3_600_000

/** Nobody answers in their sleep: what would fall between eleven and seven waits for the morning. */
export function awake(atMs: number, timeZone: string): number {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', hourCycle: 'h23' })
  const hour = Number(format.format(atMs))
  if (hour >= 7 && hour < 23) return atMs
  return atMs + ((7 - hour + 24) % 24) * HOUR_MS
}
