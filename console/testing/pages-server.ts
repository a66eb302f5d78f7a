import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'

/** What the calls answer, as `METHOD /path`; recorded data now, so that a page can be looked at in every state. */
export type Calls = Record<
  string,
  (body: unknown) => { status?: number; body: unknown } | Promise<{ status?: number; body: unknown }>
>

export interface PagesServer {
  url: string
  calls: Calls
  /** Every request in order, for asserting what a page asked. */
  asked: { method: string; path: string; body: unknown }[]
  close(): Promise<void>
}

const PAGES = join(import.meta.dirname, '..', 'pages')
const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.ts': 'text/javascript',
  '.svg': 'image/svg+xml',
}
/** As strict as the hub's own, so that a page that needs more fails here. */
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/** Serves the pages as the hub does, types stripped, beside calls that a test defines. */
export async function servePages(calls: Calls): Promise<PagesServer> {
  const asked: PagesServer['asked'] = []
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const path = new URL(request.url ?? '/', 'http://localhost').pathname
      const method = request.method ?? 'GET'
      const file = path.startsWith('/h/')
        ? 'offer.html'
        : path.startsWith('/j/')
          ? 'job.html'
          : path.startsWith('/pages/')
            ? path.slice(7)
            : null
      if (file !== null) {
        const raw = await readFile(join(PAGES, file), 'utf8')
        const type = TYPES[extname(file)] ?? 'application/octet-stream'
        response.writeHead(200, { 'content-type': `${type}; charset=utf-8`, 'content-security-policy': CSP })
        response.end(file.endsWith('.ts') ? stripTypeScriptTypes(raw) : raw)
        return
      }
      const body = await jsonBody(request)
      asked.push({ method, path, body })
      const known = self.calls[`${method} ${path}`]
      const { status = 200, body: content } = known
        ? await known(body)
        : { status: 404, body: { code: 'NOT_FOUND', detail: `no ${method} ${path}` } }
      response.writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' })
      response.end(JSON.stringify(content))
    }
    answer().catch((error: unknown) => {
      response.writeHead(500)
      response.end(String(error))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const self: PagesServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    asked,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
  return self
}

async function jsonBody(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text === '' ? null : JSON.parse(text)
}
