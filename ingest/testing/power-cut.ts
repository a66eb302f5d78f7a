import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Random } from '#platform'

/** A disk writes sectors; a write that was under way may have left some of them. */
const SECTOR_BYTES = 512

/** Calls by which a file's bytes, or its name, reach the disk. */
export const TRACED_CALLS = 'openat,pwrite64,write,ftruncate,fsync,fdatasync,unlink'

type FileEvent =
  | { kind: 'create'; path: string }
  | { kind: 'write'; path: string; offset: number; bytes: Buffer }
  | { kind: 'truncate'; path: string; length: number }
  | { kind: 'unlink'; path: string }
  /** Of a file or of a folder. */
  | { kind: 'sync'; path: string }
  /** Words of the traced program itself: what it had promised by then. */
  | { kind: 'told'; line: string }

/**
 * Reads what `strace -f -y -xx` saw, keeping the files directly in `dir` and stdout. A call
 * that another thread interrupted counts from its end: nothing may rely on it before.
 */
export function readTrace(traceFile: string, dir: string): FileEvent[] {
  const events: FileEvent[] = []
  const unfinished = new Map<string, string>()
  for (const line of readFileSync(traceFile, 'latin1').split('\n')) {
    const pid = line.slice(0, line.indexOf(' '))
    let call = line.slice(pid.length).trimStart()
    const interrupted = call.indexOf(' <unfinished ...>')
    if (interrupted >= 0) {
      unfinished.set(pid, call.slice(0, interrupted))
      continue
    }
    const resumed = /^<\.\.\. \w+ resumed>/.exec(call)
    if (resumed) call = unfinished.get(pid) + call.slice(resumed[0].length)
    const event = fileEvent(call)
    if (!event) continue
    // The index in shared memory is never synced and made anew from the log.
    if ('path' in event && (!isInside(event.path, dir) || event.path.endsWith('-shm'))) continue
    events.push(event)
  }
  return events
}

function isInside(path: string, dir: string): boolean {
  return path === dir || dirname(path) === dir
}

function fileEvent(call: string): FileEvent | null {
  const [name] = call.split('(', 1)
  const result = Number(/= (-?\d+)(?:<[^>]*>)?(?: \w+ \(.*\))?$/.exec(call)?.[1] ?? -1)
  if (result < 0) return null
  const strings = [...call.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex]) => unhex(hex!))
  const fd = /^\w+\((\d+)<([^>]*)>/.exec(call)
  const path = fd ? unhex(fd[2]!).toString() : (strings[0]?.toString() ?? '')
  switch (name) {
    case 'openat':
      return call.includes('O_CREAT') ? { kind: 'create', path } : null
    case 'pwrite64':
      return {
        kind: 'write',
        path,
        offset: Number(/, (\d+)\) +=/.exec(call)?.[1]),
        bytes: strings[0]!.subarray(0, result),
      }
    case 'write':
      return fd?.[1] === '1' ? { kind: 'told', line: strings[0]!.toString().trimEnd() } : null
    case 'ftruncate':
      return { kind: 'truncate', path, length: Number(/, (\d+)\) +=/.exec(call)?.[1]) }
    case 'fsync':
    case 'fdatasync':
      return { kind: 'sync', path }
    case 'unlink':
      return { kind: 'unlink', path }
    default:
      return null
  }
}

function unhex(text: string): Buffer {
  return Buffer.from(text.replaceAll('\\x', ''), 'hex')
}

type Change = Extract<FileEvent, { kind: 'write' | 'truncate' }>

/** A file's bytes, growing in place. */
class Bytes {
  #bytes = Buffer.alloc(0)
  #length = 0

  apply(change: Change): void {
    const end = change.kind === 'truncate' ? change.length : change.offset + change.bytes.length
    if (end > this.#bytes.length) {
      const larger = Buffer.alloc(end * 2)
      this.#bytes.copy(larger, 0, 0, this.#length)
      this.#bytes = larger
    }
    if (change.kind === 'write') {
      change.bytes.copy(this.#bytes, change.offset)
      this.#length = Math.max(this.#length, end)
    } else {
      this.#bytes.fill(0, end)
      this.#length = end
    }
  }

  copy(): Bytes {
    const copy = new Bytes()
    copy.#bytes = Buffer.from(this.#bytes)
    copy.#length = this.#length
    return copy
  }

  value(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }
}

interface File {
  /** As of the last sync: on the platter whatever happens. */
  synced: Bytes
  /** Since then, in order: each may have reached the platter, or not, or in part. */
  since: Change[]
}

/** A disk to which a trace is played, and whose power may fail at any point of it. */
export class TracedDisk {
  /** What the traced program had told by now. */
  readonly told: string[] = []
  readonly #names = new Map<string, File>()
  /** The folder as of its own last sync. */
  #syncedNames = new Map<string, File>()

  play(event: FileEvent): void {
    if (event.kind === 'told') this.told.push(...event.line.split('\n'))
    else if (event.kind === 'unlink') this.#names.delete(event.path)
    else if (event.kind === 'sync') this.#sync(event.path)
    else if (event.kind !== 'create') this.#names.get(event.path)?.since.push(event)
    else if (!this.#names.has(event.path)) this.#names.set(event.path, { synced: new Bytes(), since: [] })
  }

  /** The files as they may be found after a cut now: what was synced is there, of the rest what chance decides. */
  cut(random: Random, into: string): void {
    mkdirSync(into, { recursive: true })
    for (const path of new Set([...this.#names.keys(), ...this.#syncedNames.keys()])) {
      // A name made, removed or replaced since the folder was synced may be the old one or the new one.
      const file = random.chance(0.5) ? this.#names.get(path) : this.#syncedNames.get(path)
      if (file) writeFileSync(join(into, basename(path)), remains(file, random))
    }
  }

  #sync(path: string): void {
    const file = this.#names.get(path)
    if (file) {
      for (const change of file.since) file.synced.apply(change)
      file.since = []
    } else {
      this.#syncedNames = new Map(this.#names)
    }
  }
}

function remains(file: File, random: Random): Buffer {
  const bytes = file.synced.copy()
  for (const change of file.since) {
    if (random.chance(0.4)) continue
    bytes.apply(change.kind === 'write' && random.chance(0.2) ? torn(change, random) : change)
  }
  return bytes.value()
}

function torn(write: Extract<Change, { kind: 'write' }>, random: Random): Change {
  const sectors = Math.ceil(write.bytes.length / SECTOR_BYTES)
  return { ...write, bytes: write.bytes.subarray(0, random.int(sectors + 1) * SECTOR_BYTES) }
}
