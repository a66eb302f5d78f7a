import type { MessagePort, Worker } from 'node:worker_threads'
import { ERRORS, type ErrorCode, HubError, toError } from '#platform'

/**
 * Calls and notes between two threads: a call is answered, a note is not. What is passed is copied.
 * The other side of `serveCalls` is `remoteCalls`.
 */
// biome-ignore lint/suspicious/noExplicitAny: the types of arguments belong to the two ends.
export type Methods = Record<string, (...args: any[]) => Promise<any> | any>

type Endpoint = Pick<MessagePort, 'postMessage'> & {
  on(event: 'message', listener: (message: unknown) => void): unknown
}

interface CarriedError {
  name: string
  message: string
  stack: string | undefined
  code: ErrorCode | null
}

type Message =
  | { type: 'call'; id: number; method: string; args: unknown[] }
  | { type: 'result'; id: number; value: unknown }
  | { type: 'failure'; id: number; error: CarriedError }
  | { type: 'note'; name: string; value: unknown }

/** An error in a form that survives the copy; the code of a `HubError` is what the other side acts on. */
export function carryError(thrown: unknown): CarriedError {
  const error = toError(thrown)
  const code = error instanceof HubError ? error.code : null
  return { name: error.name, message: error.message, stack: error.stack, code }
}

export function revivedError({ name, message, stack, code }: CarriedError): Error {
  const error =
    code !== null && code in ERRORS ? new HubError(code, message) : Object.assign(new Error(message), { name })
  if (stack !== undefined) error.stack = stack
  return error
}

/** Answers calls that arrive at this end, and lets it send notes. */
export function serveCalls(port: Endpoint, methods: Methods): { note(name: string, value: unknown): void } {
  port.on('message', (received) => {
    const message = received as Message
    if (message.type !== 'call') return
    const { id, method, args } = message
    const handler = Object.hasOwn(methods, method) ? methods[method] : undefined
    Promise.resolve()
      .then(() => {
        if (!handler) throw new Error(`no such call: ${method}`)
        return handler(...args)
      })
      .then(
        (value) => port.postMessage({ type: 'result', id, value } satisfies Message),
        (thrown) => port.postMessage({ type: 'failure', id, error: carryError(thrown) } satisfies Message),
      )
  })
  return { note: (name, value) => port.postMessage({ type: 'note', name, value } satisfies Message) }
}

export interface RemoteCalls {
  call<T>(method: string, ...args: unknown[]): Promise<T>
  /** A call that gives a port away. */
  hand<T>(method: string, port: MessagePort): Promise<T>
}

/** The calling end. A worker that ends rejects what it still owed. */
export function remoteCalls(worker: Worker, onNote: (name: string, value: unknown) => void): RemoteCalls {
  let next = 0
  let ended: Error | null = null
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  worker.on('message', (message: Message) => {
    if (message.type === 'note') return onNote(message.name, message.value)
    if (message.type === 'call') return
    const call = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.type === 'result') call?.resolve(message.value)
    else call?.reject(revivedError(message.error))
  })
  const end = (error: Error): void => {
    ended ??= error
    for (const call of waiting.values()) call.reject(ended)
    waiting.clear()
  }
  worker.on('error', (thrown) => end(toError(thrown)))
  worker.on('exit', () => end(new Error('the thread has ended')))
  const ask = <T>(method: string, args: unknown[], given: MessagePort[]): Promise<T> => {
    if (ended) return Promise.reject(ended)
    const id = next++
    const call = Promise.withResolvers<unknown>()
    waiting.set(id, call)
    worker.postMessage({ type: 'call', id, method, args } satisfies Message, given)
    return call.promise as Promise<T>
  }
  return {
    call: <T>(method: string, ...args: unknown[]) => ask<T>(method, args, []),
    hand: <T>(method: string, port: MessagePort) => ask<T>(method, [port], [port]),
  }
}
