import type { MessagePort } from 'node:worker_threads'
import { type ErrorCode, HubError, isHubError, toError } from '#platform'
import { buffersOf, type ColumnBatch, type ColumnQuery } from './columns.ts'
import type { FleetQuery, HistoryRow, HistoryStore } from './history.ts'

/** What may be called over a port: everything but `close`, which stays with the thread that opened the store. */
export type RemoteHistory = Omit<HistoryStore, 'write' | 'close'>

const METHODS = [
  'position',
  'range',
  'downsample',
  'last',
  'lastMessages',
  'writeHealth',
  'health',
  'deleteDevice',
  'tidy',
] as const
type Method = (typeof METHODS)[number]

type Request =
  | { id: number; method: Method; args: unknown[] }
  | { id: number; scan: 'open'; query: FleetQuery }
  | { id: number; scan: 'columns'; query: ColumnQuery }
  | { id: number; scan: 'next' | 'end' }

type Answer = { id: number } & (
  | { value: unknown }
  | { error: { code: ErrorCode | null; detail: string; pointer?: string } }
)

/**
 * Answers for a store that lives in this thread. Scans are pulled batch by batch, so that a slow
 * reader never fills the port. Stops when the port closes.
 */
export function serveHistory(port: MessagePort, store: HistoryStore): void {
  const scans = new Map<number, AsyncIterator<HistoryRow[] | ColumnBatch>>()
  const handle = async (request: Request): Promise<unknown> => {
    if ('method' in request) {
      // biome-ignore lint/complexity/noBannedTypes: the arguments are those the same method got on the other side.
      return (store[request.method] as Function).apply(store, request.args)
    }
    if (request.scan === 'open') {
      scans.set(request.id, store.scanFleet(request.query)[Symbol.asyncIterator]())
      return null
    }
    if (request.scan === 'columns') {
      scans.set(request.id, store.scanColumns(request.query)[Symbol.asyncIterator]())
      return null
    }
    const scan = scans.get(request.id)
    if (request.scan === 'next') return (await scan?.next())?.value ?? null
    scans.delete(request.id)
    await scan?.return?.()
    return null
  }
  port.on('message', (request: Request) => {
    void handle(request)
      .then((value): Answer => ({ id: request.id, value: value ?? null }))
      .catch((error: unknown): Answer => ({ id: request.id, error: describe(error) }))
      .then((answer) => port.postMessage(answer, handedOver(answer)))
  })
  port.on('close', () => {
    for (const scan of scans.values()) void scan.return?.()?.catch(() => undefined)
    scans.clear()
  })
}

/** Columns are moved to the other thread; everything else is copied. */
function handedOver(answer: Answer): ArrayBuffer[] {
  if (!('value' in answer) || typeof answer.value !== 'object' || answer.value === null) return []
  return 'runs' in answer.value && 'arrivedAtMs' in answer.value ? buffersOf(answer.value as ColumnBatch) : []
}

/** The same store, called from another thread. Errors keep their code. */
export function remoteHistory(port: MessagePort): RemoteHistory {
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  let nextId = 1
  let closed = false
  port.on('message', (answer: Answer) => {
    const caller = waiting.get(answer.id)
    waiting.delete(answer.id)
    if ('error' in answer) caller?.reject(restored(answer.error))
    else caller?.resolve(answer.value as never)
  })
  port.on('close', () => {
    closed = true
    for (const { reject } of waiting.values()) reject(gone())
    waiting.clear()
  })
  const ask = <T>(request: Request): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      if (closed) return reject(gone())
      waiting.set(request.id, { resolve, reject })
      port.postMessage(request)
    })
  const call = <M extends Method>(method: M, ...args: Parameters<HistoryStore[M]>): ReturnType<HistoryStore[M]> =>
    ask({ id: nextId++, method, args }) as ReturnType<HistoryStore[M]>
  async function* scanned<T>(open: (id: number) => Request): AsyncIterable<T> {
    const id = nextId++
    // One ahead: the store fills the next batch while this one is gone over.
    const ahead = (): Promise<T | null> => {
      const batch = ask<T | null>({ id, scan: 'next' })
      batch.catch(() => undefined)
      return batch
    }
    await ask(open(id))
    try {
      for (let next = ahead(); ; ) {
        const batch = await next
        if (batch === null) return
        next = ahead()
        yield batch
      }
    } finally {
      if (!closed) await ask({ id, scan: 'end' })
    }
  }
  return {
    position: () => call('position'),
    range: (query) => call('range', query),
    downsample: (query) => call('downsample', query),
    last: (deviceId, metrics) => call('last', deviceId, metrics),
    lastMessages: (deviceId, count) => call('lastMessages', deviceId, count),
    writeHealth: (points) => call('writeHealth', points),
    health: (query) => call('health', query),
    deleteDevice: (deviceId) => call('deleteDevice', deviceId),
    tidy: (nowMs) => call('tidy', nowMs),
    scanFleet: (query) => scanned<HistoryRow[]>((id) => ({ id, scan: 'open', query })),
    scanColumns: (query) => scanned<ColumnBatch>((id) => ({ id, scan: 'columns', query })),
  }
}

function describe(error: unknown): { code: ErrorCode | null; detail: string; pointer?: string } {
  const detail = toError(error).message
  if (!isHubError(error)) return { code: null, detail }
  return { code: error.code, detail, ...(error.pointer === undefined ? {} : { pointer: error.pointer }) }
}

function restored({ code, detail, pointer }: ReturnType<typeof describe>): Error {
  return code ? new HubError(code, detail, pointer === undefined ? {} : { pointer }) : new Error(detail)
}

const gone = (): HubError => new HubError('HISTORY_UNAVAILABLE', 'The thread of the telemetry history has ended.')
