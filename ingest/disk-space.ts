import { statfsSync } from 'node:fs'

/** Bytes an ordinary process may still write to the disk that holds `dir`. Costs microseconds: no disk is read. */
function freeBytes(dir: string): number {
  const { bavail, bsize } = statfsSync(dir)
  return bavail * bsize
}

export function belowReserve(dir: string, reserveBytes: number): string | null {
  const free = freeBytes(dir)
  if (free >= reserveBytes) return null
  return `${mebibytes(free)} MiB are free on the disk of ${dir}, below the reserve of ${mebibytes(reserveBytes)} MiB (HUB_DISK_RESERVE). Free some space; acknowledging resumes by itself.`
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1_048_576)
}
