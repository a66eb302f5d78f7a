import { join } from 'node:path'
import type { Logger } from '#platform'
import { type Database, openDatabase, prepareDatabase, startEmbeddedPostgres } from '#store'
import type { HubConfig } from '../config.ts'

/** The database, ours or somebody else's, migrated and open. */
export interface DatabasePart {
  db: Database
  /** The restricted role's address, for other threads. */
  appUrl: string
  stop(): Promise<void>
}

export async function openDatabasePart(config: HubConfig, logger: Logger): Promise<DatabasePart> {
  if (config.databaseUrl !== null) {
    const owner = config.databaseOwnerUrl
    const { appUrl } = await prepareDatabase(
      owner === null ? { url: config.databaseUrl, logger } : { url: owner, appUrl: config.databaseUrl, logger },
    )
    const db = await openDatabase({ url: appUrl, logger })
    return { db, appUrl, stop: () => db.close() }
  }
  const embedded = await startEmbeddedPostgres({ dir: join(config.dataDir, 'postgres'), logger, keepRunning: true })
  try {
    const { appUrl } = await prepareDatabase({ url: embedded.ownerUrl, appUrl: embedded.appUrl, logger })
    const db = await openDatabase({ url: appUrl, logger })
    return {
      db,
      appUrl,
      async stop() {
        await db.close()
        await embedded.stop()
      },
    }
  } catch (error) {
    await embedded.stop()
    throw error
  }
}
