import { open, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { HubError } from '#platform'
import { syncFolder } from './duck-rewrite.ts'

/** Deleted devices, kept beside the files: a log not yet recorded, or recorded again, may still bring their readings. */
export interface Tombstones {
  has(deviceId: string): boolean
  ids(): readonly string[]
  /** Durable when it resolves. */
  add(deviceId: string): Promise<void>
}

export async function openTombstones(dir: string): Promise<Tombstones> {
  const path = join(dir, 'deleted-devices.json')
  const deleted = new Set(await readAll(path))
  return {
    has: (deviceId) => deleted.has(deviceId),
    ids: () => [...deleted],
    async add(deviceId) {
      if (deleted.has(deviceId)) return
      await writeAll(path, [...deleted, deviceId])
      deleted.add(deviceId)
    },
  }
}

async function readAll(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '[]'
    throw error
  })
  try {
    return JSON.parse(text) as string[]
  } catch (cause) {
    throw new HubError('STORAGE_CORRUPT', `${path} is not JSON. It lists the devices deleted from the history.`, {
      cause,
    })
  }
}

async function writeAll(path: string, ids: readonly string[]): Promise<void> {
  const handle = await open(`${path}.new`, 'w', 0o600)
  try {
    await handle.writeFile(JSON.stringify(ids))
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(`${path}.new`, path)
  await syncFolder(dirname(path))
}
