/** How often each answer is given; what is left over goes unanswered and expires. Shares that are absent are 0. */
export interface Temper {
  accept: number
  snooze: number
  decline: number
  /** Wants no more questions of this kind. */
  stop?: number
  /** Of those who accept and could do it alone, how many do. */
  myself: number
  /** Of those who say that they do it alone, how many never do. */
  onlySays?: number
  /** Of those who accept a visit: asks for another time, calls it off, takes the consent to share back. */
  reschedules?: number
  cancels?: number
  withdraws?: number
  /** Of those whose appliance fails, how many tell somebody. */
  reports?: number
  /** Of quotes, how many are agreed to and how many refused; the others run out. */
  acceptsQuote?: number
  declinesQuote?: number
  /** Of finished visits, how many are rated. */
  rates?: number
  /** Of safety warnings, how many are acted upon; all when absent. */
  heedsWarnings?: number
  /** Of those asked whether it is solved, how many answer, and truly. */
  answersSolved?: number
}

export const ORDINARY_TEMPER: Temper = { accept: 0.8, snooze: 0.12, decline: 0.05, myself: 0.35 }
