import type { Random } from '#platform'

/** How a partner strays from the straight way: the share of orders each happens to; absent is never. */
export interface PartnerHabits {
  /** Says no at once. */
  rejects?: number
  /** Says nothing at all: `acceptBy` passes. */
  keepsSilent?: number
  /** Accepts when `acceptBy` is already over. */
  answersLate?: number
  /** Asks for another price at the door, and acts on what is decided. */
  quotes?: number
  /** Does not come to its own appointment; comes the next day. */
  missesAppointment?: number
  /** Stands before a closed door; comes again. */
  findsNobody?: number
  /** Lacks the part; comes again when it is there. */
  awaitsPart?: number
  /** Cannot finish on the first trip, for a reason it keeps to itself. */
  comesTwice?: number
  /** Gives up at the door. */
  fails?: number
  /** Bills more than was agreed. */
  overcharges?: number
  /** Sends every status twice under one id, and once more under another. */
  repeatsItself?: number
  /** Tells that it is on the way after it has told that it is done. */
  outOfOrder?: number
  /** Says that it failed after it has said that it is done. */
  contradicts?: number
  /** Objects when told that its repair was not seen or did not hold. */
  objects?: number
  /** Looks and finds nothing although something is there. Per item. */
  findsNothing?: number
  /** Writes down a part that was never changed. Per item. */
  claimsOnly?: number
  /** Fits a part that wears twice as fast. Per item. */
  fitsBadPart?: number
}

export type OrderAnswer = 'accepts' | 'rejects' | 'keepsSilent' | 'answersLate'
export type VisitTrouble = 'missesAppointment' | 'findsNobody' | 'awaitsPart' | 'comesTwice' | 'fails'
export type ItemFate = 'honest' | 'findsNothing' | 'claimsOnly' | 'fitsBadPart'

export interface OrderFate {
  answer: OrderAnswer
  /** Of the first trip. */
  trouble: VisitTrouble | null
  quotes: boolean
  overcharges: boolean
  repeatsItself: boolean
  outOfOrder: boolean
  contradicts: boolean
  objects: boolean
}

/** What a partner with these habits does with one order. Each decision has chance of its own, so that one habit more moves no other. */
export function drawFate(habits: PartnerHabits, random: Random): OrderFate {
  const does = (name: keyof PartnerHabits): boolean => random.fork(name).chance(habits[name] ?? 0)
  return {
    answer: oneOf(habits, ['rejects', 'keepsSilent', 'answersLate'], random.fork('answer')) ?? 'accepts',
    trouble: oneOf(
      habits,
      ['missesAppointment', 'findsNobody', 'awaitsPart', 'comesTwice', 'fails'],
      random.fork('trouble'),
    ),
    quotes: does('quotes'),
    overcharges: does('overcharges'),
    repeatsItself: does('repeatsItself'),
    outOfOrder: does('outOfOrder'),
    contradicts: does('contradicts'),
    objects: does('objects'),
  }
}

/** What becomes of one item of an order. */
export function drawItemFate(habits: PartnerHabits, random: Random): ItemFate {
  return oneOf(habits, ['findsNothing', 'claimsOnly', 'fitsBadPart'], random) ?? 'honest'
}

/** At most one of what excludes each other; their shares add up. */
function oneOf<Name extends keyof PartnerHabits>(
  habits: PartnerHabits,
  names: readonly Name[],
  random: Random,
): Name | null {
  let left = random.next()
  for (const name of names) {
    left -= habits[name] ?? 0
    if (left < 0) return name
  }
  return null
}
