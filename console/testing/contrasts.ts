/** Contrast of the colours the pages put on each other, after WCAG 2. Runs in the browser. */
export function contrasts(): Record<string, number> {
  const style = getComputedStyle(document.documentElement)
  const luminance = (name: string): number => {
    const hex = style.getPropertyValue(name).trim().slice(1)
    const [r, g, b] = [0, 2, 4].map((i) => {
      const c = Number.parseInt(hex.slice(i, i + 2), 16) / 255
      return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
  }
  const pairs = [
    ['--ink', '--paper'],
    ['--ink', '--ground'],
    ['--ink', '--tint'],
    ['--ink', '--warn-tint'],
    ['--ink', '--alarm-tint'],
    ['--soft', '--paper'],
    ['--soft', '--ground'],
    ['--accent', '--paper'],
    ['--accent', '--ground'],
    ['--accent', '--tint'],
    ['--accent-ink', '--accent'],
    ['--warn', '--warn-tint'],
    ['--alarm', '--alarm-tint'],
    ['--alarm', '--paper'],
  ] as const
  return Object.fromEntries(
    pairs.map(([front, back]) => {
      const [light, dark] = [luminance(front), luminance(back)].sort((a, b) => b - a)
      return [`${front} on ${back}`, (light! + 0.05) / (dark! + 0.05)]
    }),
  )
}
