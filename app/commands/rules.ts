import { HubError } from '#platform'
import type { Command } from '../cli.ts'
import { BACKTEST_USAGE, backtestRule } from './rules/backtest-rule.ts'
import { TEST_USAGE, testRules } from './rules/test-rules.ts'

/** What `beforehand rules …` does; one file each in `rules/`. */
const ACTIONS: Readonly<Record<string, Command['run']>> = { test: testRules, backtest: backtestRule }

export const rules: Command = {
  name: 'rules',
  summary: 'test a rule, or play it over stored history, before it decides anything',
  usage: `${TEST_USAGE}\n\n${BACKTEST_USAGE}`,
  run(context) {
    const [action, ...args] = context.args
    const run = action === undefined ? undefined : ACTIONS[action]
    if (!run)
      throw new HubError(
        'USAGE',
        `${action === undefined ? 'rules needs' : `rules has no "${action}";`} one of ${Object.keys(ACTIONS).join(', ')}.`,
      )
    return run({ ...context, args })
  },
}
