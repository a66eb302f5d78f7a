import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface ReceivedWebhook {
  id: string
  headers: Record<string, string>
  body: string
  event: { id: string; type: string; subject: string; sequence: string; data: unknown }
}

export type Behaviour = (request: IncomingMessage, response: ServerResponse, received: ReceivedWebhook) => void

export interface PartnerServer {
  url: string
  /** Everything that arrived, in order, repeats included. */
  received: ReceivedWebhook[]
  /** What it answers from now on; 200 when nothing else was said. */
  behave(behaviour: Behaviour): void
  ofType(type: string): ReceivedWebhook[]
  /** Before the test is over, in tests that make many. */
  close(): Promise<void>
}

/** A real HTTP server in the place of a partner's webhook endpoint. */
export async function partnerServer(): Promise<PartnerServer> {
  let behaviour: Behaviour = (_request, response) => response.writeHead(200).end()
  const received: ReceivedWebhook[] = []
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      const webhook: ReceivedWebhook = {
        id: String(request.headers['webhook-id']),
        headers: Object.fromEntries(Object.entries(request.headers).map(([key, value]) => [key, String(value)])),
        body,
        event: JSON.parse(body),
      }
      received.push(webhook)
      behaviour(request, response, webhook)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  onTestFinished(close)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
    received,
    behave: (next) => {
      behaviour = next
    },
    close,
    ofType: (type) => received.filter((webhook) => webhook.event.type === `beforehand.${type}`),
  }
}
