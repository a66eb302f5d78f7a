import { HubError, silentLogger } from '#platform'
import { HubApi } from '#simulators'
import { auditTrails, checkAudit } from '#store'
import { type Command, type CommandContext, EXIT } from '../cli.ts'
import { readConfig } from '../config.ts'
import { findHub, openDataDir } from '../data-dir.ts'
import { readOptions } from '../options.ts'
import { openDatabasePart } from '../parts/database-part.ts'

interface Checked {
  intact: boolean
  trails: {
    brand: string
    entries: number
    head: string
    firstBroken: { ordinal: number; why: 'missing' | 'changed' } | null
  }[]
}

/** Walks every audit trail and names the first entry that does not hold. Exit 1 when there is one. */
export const audit: Command = {
  name: 'audit',
  summary: 'check that no entry of the audit was changed or taken away',
  usage: `Usage: beforehand audit [--json]

Asks the hub at HUB_URL, or the one that runs in HUB_DATA_DIR, with HUB_KEY: the operator's key checks every
trail, a brand's its own. With no hub running it opens the folder itself.

Each trail's head stands for everything before it: keep it elsewhere, and compare.

Exit codes: 0 every trail holds, 1 one does not.`,
  async run(context) {
    readOptions(context.args, {})
    const checked = await check(context)
    for (const { brand, entries, head, firstBroken } of checked.trails) {
      const what = firstBroken ? `entry ${firstBroken.ordinal} is ${firstBroken.why}` : `head ${head}`
      context.say(`${brand}  ${entries} entries hold, ${what}`)
    }
    context.answer(checked)
    return checked.intact ? EXIT.done : EXIT.checkFailed
  },
}

async function check({ env, say }: CommandContext): Promise<Checked> {
  const config = readConfig(env)
  const url = env.HUB_URL ?? findHub(config.dataDir)?.httpUrl
  if (url !== undefined && url !== '') {
    if (!env.HUB_KEY) throw new HubError('USAGE', `The hub at ${url} is asked with a key: set HUB_KEY.`)
    return new HubApi(url, env.HUB_KEY).get<Checked>('/api/audit/check')
  }
  say(`No hub runs; opening ${config.dataDir} …`)
  using _folder = openDataDir(config.dataDir, config.secretKey)
  const database = await openDatabasePart(config, silentLogger)
  try {
    const trails = await database.db.asHub(async (tx) => {
      const all: Checked['trails'] = []
      for (const brand of await auditTrails(tx)) {
        const { entries, head, broken } = await checkAudit(tx, brand)
        all.push({ brand, entries, head, firstBroken: broken })
      }
      return all
    })
    return { intact: trails.every(({ firstBroken }) => firstBroken === null), trails }
  } finally {
    await database.stop()
  }
}
