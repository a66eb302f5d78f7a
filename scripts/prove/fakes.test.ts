import { expect, onTestFinished, test } from 'vitest'
import { testDatabase } from '#store/testing'
import { fakesRows, proveFakes } from './fakes.ts'
import { table } from './table.ts'
import { trialHub } from './trial-hub.ts'

test('repairs that were only claimed are seen, and silent appliances reopen nothing', async () => {
  const { appUrl, ownerUrl } = await testDatabase({ poolSize: 1 })
  const hub = await trialHub({ databaseUrls: { appUrl, ownerUrl } })
  onTestFinished(() => hub.close())
  const result = await proveFakes(hub, { jobs: 10, seed: 1 })
  expect(result.failures).toEqual([])
  expect(result).toMatchObject({ jobs: 10, seenShare: 1, silentReopened: 0 })
  expect(result.ends.honest.verified).toBeGreaterThanOrEqual(7)
  expect(table(fakesRows(result)).join('\n')).toContain('faked repairs')
}, 400_000)
