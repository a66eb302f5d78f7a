import type { LifePlot } from './life-plot.ts'

/** A number to reach: at most, at least, or between. */
export type Bar = { most: number } | { least: number } | { least: number; most: number }

/** One measured number, with what it is compared with. */
export interface Figure {
  name: string
  value: number
  /** As predictions are published: `s`, `share of life`, `score`; empty for a bare count. */
  unit: string
  must?: Bar
  aim?: Bar
  published?: Readonly<Record<string, number>>
}

export interface ProtocolResult {
  figures: Figure[]
  plots?: LifePlot[]
  /** What a reader should know beside the numbers. */
  notes?: string[]
}

export interface ProtocolContext {
  /** The data set's own folder. */
  folder: string
  /** One short line: how far it is. */
  progress(line: string): void
  signal: AbortSignal
}

/** How one data set is scored. Causal: what is said at a moment rests on the rows up to it. */
export interface Protocol {
  key: string
  title: string
  /** Folder below the data directory; a data set that is not there is skipped by name. */
  folder: string
  run(context: ProtocolContext): ProtocolResult
}

export const withinBar = (value: number, bar: Bar): boolean =>
  (!('least' in bar) || value >= bar.least) && (!('most' in bar) || value <= bar.most)

export function barText(bar: Bar): string {
  if ('least' in bar && 'most' in bar) return `${bar.least}–${bar.most}`
  return 'least' in bar ? `≥ ${bar.least}` : `≤ ${bar.most}`
}
