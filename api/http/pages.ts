import { readdir, readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { extname, join, relative, sep } from 'node:path'
import { type Logger, sha256Hex } from '#platform'

/** All pages together; they are small and held in memory. */
const PAGES_BYTES_MAX = 4 * 1_048_576

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.ts': 'text/javascript; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
}

/** Only our own files, no inline code; a page talks to this hub alone. */
export const PAGES_CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"

export interface PageFile {
  type: string
  bytes: Buffer
  etag: string
}

/**
 * Every file below `dir` by its path, TypeScript with its types blanked so that browsers run
 * it as written. Tests and notes stay out. Read once: what is served cannot change under way.
 */
export async function loadPages(dir: string, logger: Logger): Promise<Map<string, PageFile>> {
  const files = new Map<string, PageFile>()
  let total = 0
  const names = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of names) {
    const type = TYPES[extname(entry.name)]
    if (!entry.isFile() || !type || entry.name.includes('.test.') || entry.name.endsWith('.d.ts')) continue
    const path = join(entry.parentPath, entry.name)
    const raw = await readFile(path)
    total += raw.length
    if (total > PAGES_BYTES_MAX)
      throw new Error(`The pages in ${dir} are larger than ${PAGES_BYTES_MAX} bytes together`)
    const bytes = entry.name.endsWith('.ts') ? Buffer.from(stripTypeScriptTypes(raw.toString('utf8'))) : raw
    files.set(relative(dir, path).split(sep).join('/'), { type, bytes, etag: `"${sha256Hex(bytes).slice(0, 32)}"` })
  }
  if (files.size === 0) logger.warn({ dir }, 'No pages found: links to offers and jobs will show nothing')
  return files
}
