import { closeSync, existsSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'

/** Makes a folder, with those above it, whose name survives a power cut. */
export function makeDurableFolder(dir: string): void {
  if (existsSync(dir)) return
  makeDurableFolder(dirname(dir))
  mkdirSync(dir, { recursive: true })
  syncFolder(dirname(dir))
}

/** A new name in a folder survives a power cut only once the folder is synced. */
export function syncFolder(dir: string): void {
  const handle = openSync(dir, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
