/** A source of chance that a seed repeats. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** Integer in [0, below). */
  int(below: number): number
  /** Normally distributed, mean 0, deviation 1. */
  normal(): number
  /** True with probability `p`. */
  chance(p: number): boolean
  pick<T>(items: readonly T[]): T
  /** An independent stream for a part, so that adding draws in one place moves no other. */
  fork(label: string): Random
}

/** FNV-1a, spreading a label over 32 bits. */
function labelHash(label: string, seed: number): number {
  let hash = (2166136261 ^ seed) >>> 0
  for (let i = 0; i < label.length; i++) hash = Math.imul(hash ^ label.charCodeAt(i), 16777619) >>> 0
  return hash
}

/** Mulberry32: small, fast, and long enough for simulations; never for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  return {
    next,
    int: (below) => Math.floor(next() * below),
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    chance: (p) => next() < p,
    pick: (items) => items[Math.floor(next() * items.length)]!,
    fork: (label) => seededRandom(labelHash(label, seed)),
  }
}

/** Chance from the operating system, for jitter and sampling in production. */
export const systemRandom: Random = {
  ...seededRandom(0),
  next: () => Math.random(),
  int: (below) => Math.floor(Math.random() * below),
  normal: () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random()),
  chance: (p) => Math.random() < p,
  pick: (items) => items[Math.floor(Math.random() * items.length)]!,
  fork: () => systemRandom,
}
