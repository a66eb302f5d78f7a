import type { Random } from '#platform'
import { Appliance, sensed } from './appliance.ts'
import { localTime } from './climate.ts'

/** Litres that pass the sediment cartridge for each litre of pure water: two go down the drain. */
const FEED_PER_LITRE = 3
/** Feed water that closes a sediment cartridge in a city of ordinary turbidity, litres. */
const SEDIMENT_LITRES = 13_000
/** Pure water after which carbon no longer takes up chlorine, litres. */
const CARBON_LITRES = 5_800
/** Pure water that ages a membrane behind good carbon, litres. */
const MEMBRANE_LITRES = 15_000
/** Chlorine that spent carbon lets through ages the membrane this much faster. */
const CHLORINE_DAMAGE = 4
const CLEAN_DROP_KPA = 12
const REJECTION_NEW_PCT = 97.5

export interface WaterPurifierOptions {
  random: Random
  initialWear?: { 'sediment-filter'?: number; 'carbon-filter'?: number; 'ro-membrane'?: number }
}

/** Reverse osmosis under a sink: three stages that age by litres, each seen by another sensor. */
export class WaterPurifier extends Appliance {
  readonly category = 'water-purifier'
  readonly #random: Random
  readonly #litresPerDay: number
  readonly #turbidity: number
  readonly #chlorine: number
  readonly #salt: number
  #carbonLitres: number
  #litres: number

  constructor({ random, initialWear = {} }: WaterPurifierOptions) {
    const { 'sediment-filter': sediment = 0, 'carbon-filter': carbon = 0, 'ro-membrane': membrane = 0 } = initialWear
    super({ 'sediment-filter': sediment, 'carbon-filter': carbon, 'ro-membrane': membrane })
    this.#random = random
    this.#litresPerDay = 11 + 9 * random.next()
    this.#turbidity = 0.75 + 0.5 * random.next()
    this.#chlorine = 1 + 0.04 * random.normal()
    this.#salt = 0.35 * random.normal()
    this.#carbonLitres = (carbon * CARBON_LITRES) / this.#chlorine
    this.#litres = membrane * MEMBRANE_LITRES
  }

  protected live(hours: number, atMs: number): void {
    const litres = (this.#litresPerDay / 24) * hours * drinkingHour(atMs) * (0.6 + 0.8 * this.#random.next())
    this.#litres += litres
    this.#carbonLitres += litres
    this.wearBy('sediment-filter', (litres * FEED_PER_LITRE * this.#turbidity) / SEDIMENT_LITRES)
    const spent = this.wear('carbon-filter') > 1
    this.wearBy('carbon-filter', (litres * this.#chlorine) / CARBON_LITRES)
    this.wearBy('ro-membrane', (litres * (spent ? CHLORINE_DAMAGE : 1)) / MEMBRANE_LITRES)
  }

  protected sense(): Record<string, number> {
    const normal = (): number => this.#random.normal()
    // Referred to 25 °C by the firmware: cold water is thicker.
    const drop = CLEAN_DROP_KPA * (1 + 3.5 * this.wear('sediment-filter') ** 2.2)
    const rejection = REJECTION_NEW_PCT + this.#salt - 12 * this.wear('ro-membrane') ** 3
    return {
      feed_drop_kpa: sensed(drop, normal(), { error: 0.04, digits: 1 }),
      rejection_pct: sensed(Math.min(99.5, rejection), normal(), { error: 0.004, digits: 1 }),
      carbon_litres: Math.round(this.#carbonLitres * 10) / 10,
      litres: Math.round(this.#litres * 10) / 10,
    }
  }

  protected override renewed(component: string): void {
    if (component === 'carbon-filter') this.#carbonLitres = 0
  }
}

/** People drink when they are up; daily mean 1. */
function drinkingHour(atMs: number): number {
  const { hour } = localTime(atMs)
  return hour < 6.5 ? 0 : hour < 9 ? 2 : hour < 17 ? 1 : hour < 21 ? 2 : 0.33
}
