import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { CloudEvent } from '#contracts'
import { realClock, sha256Hex } from '#platform'
import { verifyWebhook } from './webhook-signature.ts'

/** The hub's largest event is 20 kB; anything near this is not from the hub. */
const BODY_BYTES_MAX = 262_144
/** Webhook ids remembered, far beyond the sender's 75 hours of retries at the pace of a demo. */
const IDS_MAX = 100_000

export type Reply = { status: number; retryAfterSeconds?: number }

export interface WebhookServerOptions {
  /** Asked at each request: the secret is known only after the address was registered. */
  secret: () => string | null
  /** A new event, once per webhook id. What it throws becomes 500, and the hub sends again. */
  onEvent: (event: CloudEvent, webhookId: string) => void
  /** Awaited between taking an event and saying so, for whoever wants the sender to die there. */
  beforeAnswer?: (event: CloudEvent, webhookId: string) => Promise<void>
  /** A connection, before anything was read from it. */
  onConnection?: (socket: Socket) => void
  /** Answers instead of accepting, as a server that is down does. */
  refuse?: () => Reply | null
  port?: number
}

export interface WebhookServer {
  url: string
  counts: { received: number; accepted: number; repeated: number; badSignature: number; refused: number }
  /** How often each webhook id came, and with which bodies (by hash): one, if all is well. */
  arrivals: ReadonlyMap<string, { times: number; type: string; bodies: ReadonlySet<string> }>
  close(): Promise<void>
}

/** A receiver of signed events on loopback: verifies over the raw bytes, takes each id once. */
export async function startWebhookServer(options: WebhookServerOptions): Promise<WebhookServer> {
  const seen = new Set<string>()
  const arrivals = new Map<string, { times: number; type: string; bodies: Set<string> }>()
  const counts = { received: 0, accepted: 0, repeated: 0, badSignature: 0, refused: 0 }

  const answer = async (request: IncomingMessage): Promise<Reply> => {
    if (request.method !== 'POST') return { status: 405 }
    const body = await rawBody(request)
    if (!body) return { status: 413 }
    counts.received++
    const refusal = options.refuse?.() ?? null
    if (refusal) {
      counts.refused++
      return refusal
    }
    const secret = options.secret()
    const verified = secret ? verifyWebhook(secret, request.headers, body, realClock.nowMs()) : { ok: false as const }
    if (!verified.ok) {
      counts.badSignature++
      return { status: 401 }
    }
    const event = JSON.parse(body.toString('utf8')) as CloudEvent
    const arrival = arrivals.get(verified.id) ?? { times: 0, type: event.type, bodies: new Set<string>() }
    arrival.times++
    arrival.bodies.add(sha256Hex(body))
    if (arrivals.size < IDS_MAX) arrivals.set(verified.id, arrival)
    if (seen.has(verified.id)) {
      counts.repeated++
      return { status: 200 }
    }
    options.onEvent(event, verified.id)
    if (seen.size >= IDS_MAX) seen.delete(seen.values().next().value!)
    seen.add(verified.id)
    counts.accepted++
    await options.beforeAnswer?.(event, verified.id)
    return { status: 200 }
  }

  const send = (response: ServerResponse, { status, retryAfterSeconds }: Reply): void => {
    if (retryAfterSeconds !== undefined) response.setHeader('retry-after', String(retryAfterSeconds))
    response.writeHead(status).end()
  }
  const server = createServer((request, response) => {
    answer(request).then(
      (reply) => send(response, reply),
      () => send(response, { status: 500 }),
    )
  })
  if (options.onConnection) server.on('connection', options.onConnection)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`,
    counts,
    arrivals,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function rawBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
