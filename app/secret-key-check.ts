import { createHmac } from 'node:crypto'
import { HubError } from '#platform'
import { type Database, readFact, writeFact } from '#store'

const FACT = 'secret_key_check'

/**
 * Makes sure that the key at hand is the one this database was sealed with. With another one, addresses and
 * partners' secrets could not be opened and every link that is out would lead nowhere, one by one and late.
 *
 * @throws HubError `CONFIG_INVALID` saying what to put back.
 */
export async function checkSecretKey(db: Database, secretKey: Uint8Array, nowMs: number): Promise<void> {
  const mark = createHmac('sha256', secretKey).update('the key of this hub').digest('hex')
  const known = await db.asHub(async (tx) => {
    const stored = await readFact<string>(tx, FACT)
    if (stored === null) await writeFact(tx, FACT, mark, nowMs)
    return stored
  })
  if (known !== null && known !== mark)
    throw new HubError(
      'CONFIG_INVALID',
      'The secret key is not the one this database was sealed with. Put back secret.key of the data folder from the backup, or set HUB_SECRET_KEY to what it was.',
    )
}
