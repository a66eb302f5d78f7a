import type { HushScope } from '#contracts'

/** One device of a brand, as far as hearing from it goes. */
export interface Heard {
  homeId: string | null
  region: string | null
  /** When it was last heard, or could have been: the hub itself may have been away. */
  sinceMs: number
  /** It has missed so much that it will be silent soon. */
  quiet: boolean
}

/** Many devices of one scope that fell silent together: one incident, with one name. */
export interface Outage {
  scope: Pick<HushScope, 'homeId' | 'region'>
  devices: number
  silent: number
  /** When the first of them was last heard. */
  sinceMs: number
}

/** Fewer than this may be silent together by chance. */
const DEVICES_MIN = 10
/** Of a region or of everyone, so many must be quiet for it to begin … */
const BEGINS_FROM = 0.7
/** … and it is over when fewer than this are. */
const OVER_BELOW = 0.3
/** A home has lost its network when all its devices are quiet; one alone is its own matter. */
const HOME_DEVICES_MIN = 2
/** Prefixes of region codes that have a name people know: province, city, county. */
const REGION_PREFIXES = [2, 4, 6]

interface Group {
  scope: Outage['scope']
  devices: number
  silent: number
  homes: Set<string>
  sinceMs: number
}

/**
 * What silence there is, largest first, each named once: everyone, else regions from the widest down, else homes. What
 * lies within a larger one is not named again. What goes on already needs less to go on.
 *
 * @param going scopes that are out already, by `scopeKey`
 */
export function diagnoseSilence(devices: Iterable<Heard>, going: ReadonlySet<string>): Outage[] {
  const groups = new Map<string, Group>()
  const note = (scope: Group['scope'], device: Heard): void => {
    const key = scopeKey(scope)
    let group = groups.get(key)
    if (!group) {
      group = { scope, devices: 0, silent: 0, homes: new Set(), sinceMs: Number.POSITIVE_INFINITY }
      groups.set(key, group)
    }
    group.devices++
    if (device.homeId !== null && group.homes.size < 2) group.homes.add(device.homeId)
    if (!device.quiet) return
    group.silent++
    group.sinceMs = Math.min(group.sinceMs, device.sinceMs)
  }
  const all = [...devices]
  for (const device of all) {
    note({}, device)
    for (const length of REGION_PREFIXES)
      if (device.region !== null && device.region.length >= length)
        note({ region: device.region.slice(0, length) }, device)
    if (device.homeId !== null) note({ homeId: device.homeId }, device)
  }
  const found: Outage[] = []
  const everyone = groups.get(scopeKey({}))
  if (everyone && isOut(everyone, going)) return [told(everyone)]
  const regions = [...groups.values()]
    .filter(({ scope }) => scope.region !== undefined)
    .sort((a, b) => a.scope.region!.length - b.scope.region!.length || (a.scope.region! < b.scope.region! ? -1 : 1))
  for (const group of regions)
    if (!found.some(({ scope }) => group.scope.region!.startsWith(scope.region!)) && isOut(group, going))
      found.push(told(group))
  const covered = (region: string | null): boolean =>
    found.some(({ scope }) => region?.startsWith(scope.region!) ?? false)
  const homesInside = new Set(all.filter(({ region }) => covered(region)).map(({ homeId }) => homeId))
  const homes = [...groups.values()]
    .filter(({ scope }) => scope.homeId !== undefined && !homesInside.has(scope.homeId))
    .filter(({ devices: count, silent }) => count >= HOME_DEVICES_MIN && silent === count)
    .sort((a, b) => (a.scope.homeId! < b.scope.homeId! ? -1 : 1))
  return [...found, ...homes.map(told)]
}

function isOut({ scope, devices, silent, homes }: Group, going: ReadonlySet<string>): boolean {
  if (going.has(scopeKey(scope))) return silent >= OVER_BELOW * devices && silent > 0
  // Ten devices of one home are a home, whatever region it lies in.
  return devices >= DEVICES_MIN && silent >= BEGINS_FROM * devices && homes.size !== 1
}

function told({ scope, devices, silent, sinceMs }: Group): Outage {
  return { scope, devices, silent, sinceMs }
}

/** One text a scope, to find an outage by. */
export function scopeKey({ homeId, region }: HushScope): string {
  return homeId !== undefined ? `home ${homeId}` : region !== undefined ? `region ${region}` : 'everyone'
}
