import fc from 'fast-check'

type Schema = Record<string, unknown> | boolean

/** Below this a recursive schema gives only its leaves. */
const DEPTH_MAX = 4
/** Patterns that the generator cannot read (look-ahead), with texts that fit them. */
const TEXTS_OF_PATTERN: [part: string, texts: string[]][] = [
  ['(ms|s|m|h|d|w)', ['10m', 'PT1H', 'P30D', '1h30m', '0s', '999999999999999d']],
  [
    'T\\d{2}:\\d{2}:\\d{2}',
    ['2026-06-02T00:00:00.000Z', '2026-02-31T00:00:00Z', '0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z'],
  ],
]

/** Values that fit a JSON schema, as far as the schemas of this API go. */
export function fitting(schema: Schema, $defs: Record<string, unknown>, depth = 0): fc.Arbitrary<unknown> {
  if (typeof schema === 'boolean') return fc.jsonValue()
  if (typeof schema.$ref === 'string') {
    const name = schema.$ref.split('/').at(-1)!
    return fitting($defs[name] as Schema, $defs, depth + 1)
  }
  const anyOf = schema.anyOf as Schema[] | undefined
  if (anyOf) {
    const shallow = anyOf.filter((branch) => !JSON.stringify(branch).includes('$ref'))
    const branches = depth >= DEPTH_MAX && shallow.length > 0 ? shallow : anyOf
    return fc.oneof(...branches.map((branch) => fitting(branch, $defs, depth + 1)))
  }
  if ('const' in schema) return fc.constant(schema.const)
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum)
  switch (schema.type) {
    case 'string':
      return text(schema)
    case 'integer':
      return fc.integer({ min: bounded(schema.minimum, -1e6), max: bounded(schema.maximum, 1e6) })
    case 'number':
      return fc.double({
        noNaN: true,
        noDefaultInfinity: true,
        min: bounded(schema.minimum, -1e9),
        max: bounded(schema.maximum, 1e9),
      })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array':
      return fc.array(fitting(schema.items as Schema, $defs, depth + 1), {
        minLength: Math.min(Number(schema.minItems ?? 0), 3),
        maxLength: Math.max(Math.min(Number(schema.maxItems ?? 3), 3), Number(schema.minItems ?? 0)),
      })
    case 'object':
      return object(schema, $defs, depth)
    default:
      return fc.jsonValue()
  }
}

function bounded(bound: unknown, otherwise: number): number {
  return typeof bound === 'number' ? bound : otherwise
}

function text(schema: Record<string, unknown>): fc.Arbitrary<string> {
  const { pattern } = schema
  if (typeof pattern === 'string') {
    const known = TEXTS_OF_PATTERN.find(([part]) => pattern.includes(part))
    return known ? fc.constantFrom(...known[1]) : fc.stringMatching(new RegExp(pattern))
  }
  if (schema.format === 'date-time') return fc.constantFrom('2026-06-02T00:00:00.000Z')
  const minLength = Number(schema.minLength ?? 0)
  return fc.string({
    minLength,
    maxLength: Math.max(minLength, Math.min(Number(schema.maxLength ?? 40), 40)),
    unit: 'grapheme',
  })
}

function object(schema: Record<string, unknown>, $defs: Record<string, unknown>, depth: number): fc.Arbitrary<unknown> {
  const properties = (schema.properties ?? {}) as Record<string, Schema>
  const patterned = Object.entries((schema.patternProperties ?? {}) as Record<string, Schema>)[0]
  if (Object.keys(properties).length === 0 && patterned) {
    return fc.dictionary(text({ pattern: patterned[0] }), fitting(patterned[1], $defs, depth + 1), { maxKeys: 3 })
  }
  return fc.record(
    Object.fromEntries(Object.entries(properties).map(([key, member]) => [key, fitting(member, $defs, depth + 1)])),
    { requiredKeys: ((schema.required ?? []) as string[]).filter((key) => key in properties) },
  )
}

/** What clients and attackers send where something else belongs. */
export const JUNK: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    '',
    0,
    -0,
    -1,
    1e308,
    2 ** 53 + 1,
    true,
    [],
    {},
    '12',
    'NaN',
    '\u0000',
    '\ud800',
    '\ufeff',
    "'; DROP TABLE brands; --",
    '%00',
    '../../etc/passwd',
    'x'.repeat(20_000),
    { __proto__: null, constructor: { prototype: {} } },
    JSON.parse('{"__proto__":{"role":"platform"}}'),
    '2026-02-30T25:61:61Z',
    '-271821-04-20T00:00:00.000Z',
  ),
  fc.jsonValue({ maxDepth: 3 }),
)

/** A fitting value with one of its parts replaced, removed or added. */
export function nearlyFitting(schema: Schema, $defs: Record<string, unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(fitting(schema, $defs), JUNK, fc.nat(), fc.constantFrom('replace', 'remove', 'add'))
    .map(([value, junk, at, how]) => {
      const places = placesOf(value)
      const place = places[at % (places.length || 1)]
      if (!place) return junk
      if (how === 'add') (place.holder as Record<string, unknown>)[`extra-${at}`] = junk
      else if (how === 'remove' && !Array.isArray(place.holder))
        delete (place.holder as Record<string, unknown>)[place.key]
      else (place.holder as Record<string, unknown>)[place.key] = junk
      return value
    })
}

function placesOf(value: unknown): { holder: object; key: string }[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]) => [{ holder: value, key }, ...placesOf(member)])
}
