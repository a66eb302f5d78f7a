import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A receiver of webhooks: keeps what came and answers with `status`. */
export interface Sink {
  url: string
  status: number
  received: { headers: Record<string, string | string[] | undefined>; body: string }[]
  close(): Promise<void>
}

export async function openSink(status = 200): Promise<Sink> {
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      sink.received.push({ headers: request.headers, body })
      response.writeHead(sink.status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const sink: Sink = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
    status,
    received: [],
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
  return sink
}
