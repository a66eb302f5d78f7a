import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { parseDocument } from 'yaml'
import { Duration, Instant, Key, ProductDocument, RegionCode } from '#contracts'
import { HubError } from '#platform'
import { schemaProblems } from '../schema-problems.ts'

const Closed = <P extends Parameters<typeof Type.Object>[0]>(properties: P) =>
  Type.Object(properties, { additionalProperties: false })
const ReadingValues = Type.Record(Key, Type.Union([Type.Number(), Type.Boolean(), Type.String({ maxLength: 256 })]))

/** What happens beside the series; each has `at` and one of the others. Times count from the start of the test. */
export const TestEvent = Closed({
  at: Duration,
  /** Which device; the only one when left out, every one for what concerns the brand. */
  device: Type.Optional(Key),
  /** A repair of this component was reported. */
  serviced: Type.Optional(Key),
  /** The appliance says that this component was reset. */
  reset: Type.Optional(Key),
  /** A reading that arrives now; measured now unless said otherwise. */
  reading: Type.Optional(ReadingValues),
  measuredAt: Type.Optional(Duration),
  /** The newest reading arrives so many times more. */
  repeat: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
  /** Samples from now on for so long are lost. */
  lost: Type.Optional(Duration),
  /** Samples from now on for so long arrive at its end, in order. */
  offline: Type.Optional(Duration),
  /** Samples from now on for so long arrive at its end, newest first. */
  disordered: Type.Optional(Duration),
  presence: Type.Optional(Type.Union([Type.Literal('connected'), Type.Literal('disconnected'), Type.Literal('lost')])),
  attributes: Type.Optional(ReadingValues),
  parameter: Type.Optional(
    Closed({
      key: Key,
      value: Type.Union([Type.Number(), Type.Null()]),
      scope: Type.Optional(Type.Enum(['device', 'home', 'region', 'product', 'brand'])),
      id: Type.Optional(Type.String({ maxLength: 64 })),
    }),
  ),
  /** A new version of a rule: these members replace those it has. `key` names it where there are several. */
  edit: Type.Optional(Type.Record(Key, Type.Unknown())),
  pause: Type.Optional(Key),
  activate: Type.Optional(Key),
  shadow: Type.Optional(Key),
  silence: Type.Optional(Closed({ for: Duration, rule: Type.Optional(Key) })),
  maintenance: Type.Optional(Closed({ for: Duration, rule: Type.Optional(Key) })),
  acknowledged: Type.Optional(Key),
  dismissed: Type.Optional(Key),
  fault: Type.Optional(
    Closed({ component: Type.Optional(Key), symptom: Type.Optional(Type.String({ maxLength: 64 })) }),
  ),
  moved: Type.Optional(
    Closed({ home: Type.Optional(Type.String({ maxLength: 64 })), region: Type.Optional(RegionCode) }),
  ),
  removed: Type.Optional(Type.Literal(true)),
  /** The hub starts again from what it had kept. */
  restart: Type.Optional(Type.Literal(true)),
  /** The hub is away for so long; devices keep what they measure and send it at its end. */
  hubDown: Type.Optional(Duration),
  /** Time passes without anything else. */
  tick: Type.Optional(Type.Literal(true)),
})
export type TestEvent = Static<typeof TestEvent>

const States = Type.Enum(['absent', 'inactive', 'pending', 'firing', 'recovering', 'cleared-latched'])
const which = { rule: Type.Optional(Key), device: Type.Optional(Key), component: Type.Optional(Key) }

export const ExpectedState = Closed({
  at: Duration,
  ...which,
  state: States,
  startedAt: Type.Optional(Duration),
  /** Why it is inactive: how its episode ended, or `gap` for a pending one that was dropped. */
  reason: Type.Optional(Type.String({ maxLength: 32 })),
  quality: Type.Optional(Type.Enum(['ok', 'stale', 'no-data', 'error'])),
  severity: Type.Optional(Type.Enum(['info', 'warning', 'critical'])),
  version: Type.Optional(Type.Integer({ minimum: 1 })),
})
export type ExpectedState = Static<typeof ExpectedState>

export const ExpectedTransition = Closed({
  at: Duration,
  ...which,
  to: Type.Enum([
    'firing',
    'current',
    'escalated',
    'deescalated',
    'cleared',
    'reopened',
    'resolved',
    'revised',
    'flapping',
  ]),
  startedAt: Type.Optional(Duration),
  reason: Type.Optional(Type.String({ maxLength: 32 })),
  severity: Type.Optional(Type.Enum(['info', 'warning', 'critical'])),
  silent: Type.Optional(Type.Boolean()),
})
export type ExpectedTransition = Static<typeof ExpectedTransition>

const Series = Type.Record(Key, Type.String({ maxLength: 10_000 }))

export const TestDevice = Closed({
  series: Type.Optional(Series),
  /** How long before the start it was installed. */
  installedBefore: Type.Optional(Duration),
  firmware: Type.Optional(Type.String({ maxLength: 32 })),
  region: Type.Optional(RegionCode),
  home: Type.Optional(Type.String({ maxLength: 64 })),
  tags: Type.Optional(Type.Array(Key, { maxItems: 16 })),
  timeZone: Type.Optional(Type.String({ maxLength: 64 })),
  /** How long after its time each sample arrives. */
  delay: Type.Optional(Duration),
})
export type TestDevice = Static<typeof TestDevice>

/** A fleet whose parts went evenly from new to worn out in these times: what `remaining` is tried against. */
export const TestFleet = Closed({
  lives: Type.Array(Duration, { minItems: 10, maxItems: 200 }),
  /** How much of the counter a day takes; 1 when left out. */
  usePerDay: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
})
export type TestFleet = Static<typeof TestFleet>

export const RuleTest = Closed({
  name: Type.String({ minLength: 1, maxLength: 200 }),
  /** Between samples; also what the product promises, so that a longer gap is one. */
  every: Type.Optional(Duration),
  start: Type.Optional(Instant),
  /** How long it goes on; to the last sample, event and expectation when left out. */
  length: Type.Optional(Duration),
  parameters: Type.Optional(Type.Record(Key, Type.Number())),
  /** By component. */
  fleet: Type.Optional(Type.Record(Key, TestFleet)),
  /** The one device's. */
  series: Type.Optional(Series),
  device: Type.Optional(TestDevice),
  devices: Type.Optional(Type.Record(Key, TestDevice)),
  events: Type.Optional(Type.Array(TestEvent, { maxItems: 1_000 })),
  expect: Type.Optional(Type.Array(ExpectedState, { maxItems: 1_000 })),
  /** Everything that was said, in order, and nothing else. */
  transitions: Type.Optional(Type.Array(ExpectedTransition, { maxItems: 1_000 })),
})
export type RuleTest = Static<typeof RuleTest>

export const RuleTestFile = Closed({
  /** Files beside this one. */
  rules: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 500 }), { minItems: 1, maxItems: 50 })),
  /** A kind of product of the catalogue: its product, and its rules when no others are named. */
  catalog: Type.Optional(Key),
  /** A file, or the product itself. Made of the series and rules when left out. */
  product: Type.Optional(Type.Union([Type.String({ minLength: 1, maxLength: 500 }), ProductDocument])),
  tests: Type.Array(RuleTest, { minItems: 1, maxItems: 500 }),
})
export type RuleTestFile = Static<typeof RuleTestFile>

const FILE = Compile(RuleTestFile)
const MEMBERS = [RuleTestFile, RuleTest, TestFleet, TestDevice, TestEvent, ExpectedState, ExpectedTransition].flatMap(
  (schema) => Object.keys(schema.properties),
)

/** Problems told at once. */
const PROBLEMS_MAX = 20

/**
 * Reads a file of rule tests, YAML or JSON.
 *
 * @throws {HubError} `USAGE` with every problem and its JSON pointer
 */
export function parseRuleTests(text: string): RuleTestFile {
  const plain = plainData(text)
  if (!FILE.Check(plain)) {
    const problems = schemaProblems(FILE.Errors(plain), MEMBERS).slice(0, PROBLEMS_MAX)
    throw new HubError('USAGE', problems.map(({ pointer, detail }) => `${pointer || '/'}: ${detail}`).join('\n'), {
      problems,
    })
  }
  const file = plain as RuleTestFile
  if (!file.rules && !file.catalog)
    throw new HubError('USAGE', '/rules: Name the files of the rules to be tested, or a kind of product in "catalog".')
  return file
}

/** A thousand tests have less. */
const TEXT_LENGTH_MAX = 1_048_576
const ALIASES_MAX = 100

function plainData(text: string): unknown {
  if (text.length > TEXT_LENGTH_MAX)
    throw new HubError('USAGE', `The file has ${text.length} characters; ${TEXT_LENGTH_MAX} are allowed.`)
  const document = parseDocument(text, { uniqueKeys: true, stringKeys: true, prettyErrors: true })
  const [error] = document.errors
  if (error) throw new HubError('USAGE', `The text is neither YAML nor JSON: ${error.message.split('\n')[0]}`)
  return document.toJS({ maxAliasCount: ALIASES_MAX })
}
