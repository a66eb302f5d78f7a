import type { Locale } from './format.ts'
import { COMMON } from './words-common.ts'
import { JOB } from './words-job.ts'
import { OFFER } from './words-offer.ts'

/** Every word of both pages. */
const WORDS = { ...COMMON, ...OFFER, ...JOB } as const

export type Word = keyof typeof WORDS
export type Say = (word: Word) => string

export function speaker(locale: Locale): Say {
  const at = locale === 'en' ? 1 : 0
  return (word) => WORDS[word][at]
}

/** A word for a code that came over the wire, or the code itself when there is none. */
export function sayCode(say: Say, code: string): string {
  return Object.hasOwn(WORDS, code) ? say(code as Word) : code
}
