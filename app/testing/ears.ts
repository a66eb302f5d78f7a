import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { HubApi } from '#simulators'

/** Everything a hub says of its own accord, by the way it takes. */
export interface Ears {
  /** What was heard so far, all of it as text. */
  heard(): Promise<Record<'webhooks' | 'stream' | 'metrics' | 'deadLetters' | 'outbox' | 'polled' | 'audit', string>>
}

/**
 * A second endpoint of the brand that takes everything, a live stream that stays open, and whoever scrapes, polls and
 * looks through what could not be delivered.
 */
export async function openEars(hub: {
  httpUrl: string
  operator: HubApi
  brand: HubApi
  /** Of a key of the partner that polls. */
  partner: HubApi
}): Promise<Ears> {
  const webhooks: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      webhooks.push(`${JSON.stringify(request.headers)} ${Buffer.concat(chunks).toString()}`)
      response.writeHead(200).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  // And one that says at its first event that it is gone: that event is a dead letter.
  const gone = createServer((_request, response) => response.writeHead(410).end())
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void gone.close())
  for (const it of [server, gone])
    await hub.brand.post('/api/endpoints', { url: `http://127.0.0.1:${(it.address() as AddressInfo).port}/` })

  const { key } = await hub.brand.post<{ key: string }>('/api/keys', { role: 'viewer', label: 'a live page' })
  const live = await fetch(`${hub.httpUrl}/api/events`, { headers: { authorization: `Bearer ${key}` } })
  let stream = ''
  const reading = live.body!.pipeThrough(new TextDecoderStream()).getReader()
  void (async () => {
    for (let part = await reading.read(); !part.done; part = await reading.read()) stream += part.value
  })().catch(() => undefined)

  const all = async <T>(api: HubApi, path: string): Promise<T[]> => {
    const items: T[] = []
    for (let cursor: string | null = null; ; ) {
      const more: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const page: { items: T[]; nextCursor: string | null } = await api.get(`${path}limit=200${more}`)
      items.push(...page.items)
      cursor = page.nextCursor
      if (cursor === null) return items
    }
  }
  /** With their bodies, as somebody looks at one before sending it again. */
  const letters = async (query: string): Promise<string> => {
    const bodies: unknown[] = []
    for (const { id } of await all<{ id: string }>(hub.brand, `/api/deliveries?${query}`))
      bodies.push(await hub.brand.get(`/api/deliveries/${id}`))
    return JSON.stringify(bodies)
  }
  return {
    heard: async () => ({
      webhooks: webhooks.join('\n'),
      stream,
      metrics: await (await fetch(`${hub.httpUrl}/metrics`)).text(),
      deadLetters: await letters('state=dead&'),
      outbox: await letters(''),
      polled: JSON.stringify(await all(hub.partner, '/partner/v1/work-orders?')),
      audit: JSON.stringify(await all(hub.brand, '/api/audit?')),
    }),
  }
}
