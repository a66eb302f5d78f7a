import { parentPort, workerData } from 'node:worker_threads'
import { openLogReader } from '../log-reader.ts'

/** Reads a log from another thread than its owner's, up to a position, and reports what it saw. */
const { dir, throughSeq } = workerData as { dir: string; throughSeq: number }
const reader = openLogReader({ dir })
const { signal } = new AbortController()
parentPort!.postMessage({ ready: true })
const seen: number[] = []
while (seen.length < throughSeq) {
  const after = seen.length
  await reader.waitForMore(after, signal)
  for (const { seq } of reader.read(after, { records: 3 })) seen.push(seq)
}
reader.close()
parentPort!.postMessage({ seen })
