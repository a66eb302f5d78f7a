import { constants, existsSync } from 'node:fs'
import { access, lstat, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { homedir, userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import chromiumPackage from '@sparticuz/chromium'
import { type Browser, chromium } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const MODULES = join(import.meta.dirname, '..', '..', 'node_modules')

/** `CHROMIUM_PATH`, else a system browser, else the one that npm brought along. */
async function browserPath(): Promise<string> {
  if (process.env.CHROMIUM_PATH) return process.env.CHROMIUM_PATH
  for (const folder of (process.env.PATH ?? '').split(delimiter))
    for (const name of NAMES) if (existsSync(join(folder, name))) return join(folder, name)
  return join(await unpackedBrowser(), 'chromium')
}

/**
 * The package unpacks into the temporary folder under a fixed name and runs whatever lies
 * there already, which anybody on the machine may have put there. So each user and version
 * has a folder of its own, and it gets its name only once it is whole.
 */
async function unpackedBrowser(): Promise<string> {
  const cache = await cacheFolder()
  const { version } = JSON.parse(await readFile(join(MODULES, '@sparticuz/chromium/package.json'), 'utf8'))
  const { uid } = userInfo()
  const folder = join(cache, `chromium-${version}-${uid}`)
  if (!existsSync(folder)) await unpackInto(folder, await mkdtemp(`${folder}-`))
  const found = await lstat(folder)
  if (!found.isDirectory() || found.uid !== uid)
    throw new Error(`${folder} is not a folder of user ${uid}: remove it, or set CHROMIUM_PATH to a browser`)
  return folder
}

/** In the checkout, or at home for who may only read it. */
async function cacheFolder(): Promise<string> {
  const candidates = [join(MODULES, '.cache'), join(homedir(), '.cache', 'beforehand')]
  for (const folder of candidates) {
    try {
      await mkdir(folder, { recursive: true })
      await access(folder, constants.W_OK)
      return folder
    } catch {
      // The next may be writable.
    }
  }
  throw new Error(`cannot write to ${candidates.join(' or ')}: set CHROMIUM_PATH to a browser`)
}

/** Unpacks into `fresh` and renames it to `folder`, unless somebody else was faster. */
async function unpackInto(folder: string, fresh: string): Promise<void> {
  const before = process.env.TMPDIR
  process.env.TMPDIR = fresh
  try {
    await chromiumPackage.executablePath()
  } finally {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  }
  try {
    await rename(fresh, folder)
  } catch (error) {
    await rm(fresh, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
}

export async function openBrowser(): Promise<Browser> {
  const executablePath = await browserPath()
  // Root in a container has no sandbox to use; the pages under test are our own.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] })
}
