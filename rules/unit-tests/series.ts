import type { ReadingValue } from '#contracts'

/** Samples one text may stand for: ninety days a minute apart. More belongs into a backtest. */
const SAMPLES_MAX = 130_000

/** `_`, `260`, `on`; `x12` repeats. `a+b`, `a-b` with `xN` is a ramp of N further steps, as in promtool. */
const PART = /^(_|true|false|"[^"]*"|-?\d+(?:\.\d+)?)(?:([+-]\d+(?:\.\d+)?))?(?:x(\d+))?$/

/**
 * Reads a series: samples one interval apart, `null` where one is missing.
 *
 * - `260` one sample, `260x12` twelve of them, `_` a missing one, `_x3` three
 * - `100+5x10` a ramp: 100 and ten steps of 5 up; `100-5x10` down
 * - `true`, `false`, `"eco"` for metrics that are switches or words
 *
 * @throws {SyntaxError} naming the part that is not understood
 * @example readSeries('200x2 _ 100+50x2') // => [200, 200, null, 100, 150, 200]
 */
export function readSeries(text: string): (ReadingValue | null)[] {
  const samples: (ReadingValue | null)[] = []
  for (const part of text.trim().split(/\s+(?=(?:[^"]*"[^"]*")*[^"]*$)/)) {
    const [, first, step, times] = PART.exec(part) ?? []
    if (first === undefined) throw new SyntaxError(`"${part}" is not understood; write 260, 260x12, _x3 or 100+5x10.`)
    const count = Number(times ?? 1)
    if (samples.length + count > SAMPLES_MAX)
      throw new SyntaxError(`More than ${SAMPLES_MAX} samples; a backtest is for that much.`)
    if (step === undefined) for (let i = 0; i < count; i++) samples.push(sampleOf(first))
    else if (times === undefined || !/\d/.test(first))
      throw new SyntaxError(`A ramp has a number of steps: "${part}x10".`)
    else for (let i = 0; i <= count; i++) samples.push(decimal(Number(first) + i * Number(step)))
  }
  return samples
}

function sampleOf(word: string): ReadingValue | null {
  if (word === '_') return null
  if (word === 'true' || word === 'false') return word === 'true'
  return word.startsWith('"') ? word.slice(1, -1) : Number(word)
}

/** Ten steps of 0.1 make 1, not 0.9999999999999999: a limit is compared with what the author meant. */
function decimal(value: number): number {
  return Number(value.toPrecision(12))
}
