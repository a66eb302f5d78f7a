import { closeSync, existsSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'

/** What the readings of homes lie in is its owner's alone. */
const FOLDER_MODE = 0o700

/** Makes a folder, with those above it, whose name survives a power cut. */
export function makeDurableFolder(dir: string): void {
  if (existsSync(dir)) return
  makeDurableFolder(dirname(dir))
  // Not recursive: Node's recursion never ends where the system denies a folder's existence, as below /proc.
  mkdirSync(dir, { mode: FOLDER_MODE })
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
