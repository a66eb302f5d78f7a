import { parentPort, workerData } from 'node:worker_threads'
import { isHubError, toError } from '#platform'
import { belowReserve } from './disk-space.ts'
import { makeDurableFolder } from './durable-folder.ts'
import { type Block, LogFile } from './log-file.ts'
import { type FromWriter, headChannel, type ToWriter, type WriterStart } from './log-protocol.ts'
import { type OwnerLock, takeOwnerLock } from './owner-lock.ts'
import { type StorageFault, storageFault } from './storage-fault.ts'

/**
 * The thread that owns the log's files: syncing blocks it, and nothing else. One request at
 * a time, in order; after a fatal fault it touches the files no more, not even to close them.
 */
const start = workerData as WriterStart
const port = parentPort!
const say = (message: FromWriter): void => port.postMessage(message)
let dead = false

const opened = open()
if (opened) serve(opened.file, opened.lock)

function open(): { file: LogFile; lock: OwnerLock } | null {
  let lock: OwnerLock | null = null
  try {
    makeDurableFolder(start.dir)
    lock = takeOwnerLock(start.dir, start.pid)
    const file = new LogFile(start.dir)
    say({ type: 'opened', logId: file.logId, headSeq: file.headSeq, receivedAtMs: file.receivedAtMs })
    return { file, lock }
  } catch (error) {
    lock?.release()
    const code = isHubError(error) ? error.code : 'LOG_UNAVAILABLE'
    say({ type: 'refused-to-open', code, detail: toError(error).message })
    return null
  }
}

function serve(file: LogFile, lock: OwnerLock): void {
  const heads = new BroadcastChannel(headChannel(file.logId))

  port.on('message', (message: ToWriter) => {
    if (dead) return
    if (message.type === 'append') append(message)
    else if (message.type === 'drop') drop(message.seq, belowReserve(start.dir, start.diskReserveBytes) !== null)
    else close()
  })

  function append(block: Block): void {
    const reason = belowReserve(start.dir, start.diskReserveBytes)
    if (reason !== null) {
      say({ type: 'refused', code: 'DISK_FULL', detail: reason })
      return
    }
    try {
      file.append(block)
    } catch (error) {
      const fault = storageFault(error, `${file.path}-wal`)
      if (fault.kind === 'fatal') die(fault)
      else say({ type: 'refused', code: refusalCode(fault), detail: fault.detail })
      return
    }
    say({ type: 'appended' })
    heads.postMessage(file.headSeq)
    if (file.needsCheckpoint()) fold()
  }

  /** The records are safe in the write-ahead log already: a full disk here only delays. */
  function fold(giveBack = false): void {
    try {
      file.checkpoint(giveBack)
    } catch (error) {
      const fault = storageFault(error, file.path)
      if (fault.kind === 'fatal') die(fault)
    }
  }

  /** On a disk that is short, every free page goes back to it. */
  function drop(seq: number, short: boolean): void {
    if (dead) return
    try {
      if (file.dropSome(seq, short ? 0 : undefined)) {
        if (file.needsCheckpoint()) fold()
        // Between two steps whatever waits in the port has its turn.
        setImmediate(drop, seq, short)
        return
      }
      // The file shrinks when the write-ahead log is folded into it.
      if (short) fold(true)
    } catch (error) {
      const fault = storageFault(error, file.path)
      if (fault.kind === 'fatal') die(fault)
      else say({ type: 'dropped', refusal: { code: refusalCode(fault), detail: fault.detail } })
      return
    }
    if (!dead) say({ type: 'dropped', refusal: null })
  }

  function die(fault: Extract<StorageFault, { kind: 'fatal' }>): void {
    dead = true
    say({ type: 'fatal', code: fault.code, detail: fault.detail })
  }

  function close(): void {
    dead = true
    heads.close()
    try {
      file.close()
      lock.release()
      say({ type: 'closed' })
    } catch (error) {
      say({ type: 'fatal', code: 'STORAGE_SYNC_FAILED', detail: toError(error).message })
    }
    port.close()
  }
}

function refusalCode(fault: StorageFault): 'DISK_FULL' | 'LOG_UNAVAILABLE' {
  return fault.kind === 'full' ? 'DISK_FULL' : 'LOG_UNAVAILABLE'
}
