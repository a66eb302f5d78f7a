import type { BridgePolicy } from './bridge-options.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** What a brand or operator may set otherwise. */
export const DEFAULT_POLICY: Readonly<BridgePolicy> = {
  // Long enough for a second component of the home, or a storm of the whole fleet, to show itself.
  settleMs: 10 * MINUTE,
  offerTtlMs: 14 * DAY,
  // A component that was just dealt with, or whose offer was just turned down, is left in peace.
  coolDownMs: 14 * DAY,
  snoozeMsMax: 30 * DAY,
  // Two questions in a fortnight are service; more are a nuisance, and people switch the channel off.
  offersPerHome: 2,
  offersPerHomeWindowMs: 14 * DAY,
  // Whatever opens a conversation: an offer and a reminder of something else each week is the most a person bears.
  noticesPerHome: 4,
  noticesPerHomeWindowMs: 14 * DAY,
  // The evaluator's own windows end earlier; this one catches a component without a recovery condition.
  verificationMs: 14 * DAY,
  // Long enough to come back for a forgotten tool.
  siteAfterCloseMs: 7 * DAY,
}

/** How long a case waits for something that is not a time before it looks again. */
export const RECHECK_MS = DAY
/** A homeowner who does it alone needs a weekend and a delivery of the part. */
export const SELF_SERVICE_MS = 14 * DAY
/** Once offered again after self-service did not show; a third time would be nagging. */
export const SELF_SERVICES_MAX = 1
/** Visits offered to choose from: two weeks of two or three slots a day read well on a phone. */
export const SLOTS_MAX = 24
export const SLOT_DAYS = 14
/** Partners named in an offer, in the order they would be asked. */
export const PARTNERS_OFFERED_MAX = 3
/** Samples of one evidence series that leave the hub: enough to draw, small enough for 20 kB. */
export const SERIES_POINTS_MAX = 40
/** One visit: what a technician can do in a day, and an order may hold. */
export const OFFER_NEEDS_MAX = 20
/** Cases of a fleet hold that one transaction moves; the next follows at once. */
export const HOLD_BATCH = 100
/** A home may change its stars this long after it first gave them. */
export const RATING_CHANGE_MS = 7 * DAY
/** A visit may be rated and complained of this long after it ended. */
export const RATING_MS = 90 * DAY
/** A repair that is reported as failing again within this is a rework of the same case. */
export const REWORK_MS = 14 * DAY
/** No alert in so long before a person reported the fault: we did not foresee it. */
export const FORESEEN_MS = 30 * DAY
/** An older report is history, and belongs into an import. */
export const REPORT_AGE_MS_MAX = 30 * DAY
/** Stars older than this say little about a partner today. */
export const RATINGS_COUNT_MS = 180 * DAY
/** Standard Webhooks asks for less than 20 kB. */
export const WEBHOOK_BODY_BYTES_MAX = 20_000
/** Largest body read from a partner: outcomes carry texts, never pictures. */
export const PARTNER_BODY_BYTES_MAX = 262_144
/** A technician's link works this long after the order was written. */
export const JOB_LINK_MS = 60 * DAY
/** Earlier visits of a device that a packet mentions. */
export const HISTORY_MAX = 10
/** How long after its end an offer's link still shows how it went; the guarantee of a repair is over by then. */
export const OFFER_LINK_MS = 180 * DAY
/** How long a home may answer whether a repair nobody could observe holds; later, it is a fault of its own. */
export const SOLVED_QUESTION_MS = 14 * DAY
/** Of what a brand sends for its own sake, a home that agreed hears this often. */
export const PROMOTIONS_PER_HOME = 1
export const PROMOTIONS_WINDOW_MS = 30 * DAY
/** A quote nobody decided about within this is answered with no, whatever longer time it names: technician and part wait meanwhile. */
export const QUOTE_OPEN_MS_MAX = 14 * DAY
/** How long a partner may object to how its repair was found to have ended. */
export const OBJECTION_MS = 72 * HOUR
/** A visit from setting out to driving home fits; a partner that forgets to say it is done hides nothing for longer. */
export const MUTED_MS_MAX = 12 * HOUR
/** Orders of late by which a partner's readiness to come is judged, and how far back they may lie. */
export const RECENT_ORDERS_MAX = 20
export const RECENT_ORDERS_MS = 90 * DAY
/** Stars before anything is said of a partner, as with answers: of four, one bad day is bad luck. */
export const RATINGS_MIN = 5
/** A mean below this, or fewer homes than this saying that it is solved, and a partner is asked after others. */
export const STARS_MIN = 3
export const SOLVED_SHARE_MIN = 0.6
/** From this mean on it goes before others at the same price. */
export const STARS_GOOD = 4.5
/** Answers before anything is said of a partner: of four, one lapse is bad luck. */
export const RECENT_ANSWERS_MIN = 5
/** A partner that takes fewer of its orders than this is asked after all others. */
export const ACCEPTANCE_SHARE_MIN = 0.6
