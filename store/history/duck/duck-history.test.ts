import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { silentLogger } from '#platform'
import { describeHistoryContract } from '../history-contract.ts'
import { openDuckHistory } from './duck-history.ts'

async function temporaryFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'beforehand-history-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  return dir
}

describeHistoryContract('DuckDB', async () => {
  const dir = await temporaryFolder()
  return { open: () => openDuckHistory({ dir, logger: silentLogger, memoryMiB: 128 }) }
})
