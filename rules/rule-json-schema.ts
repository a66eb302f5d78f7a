import { RuleDocument } from '#contracts'

/** The rule language as JSON Schema 2020-12, for editors and for brands' own checks. */
export const ruleJsonSchema: Readonly<Record<string, unknown>> = Object.freeze({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:beforehand:rule',
  title: 'Beforehand rule',
  description:
    'A closed, declarative condition on the readings of a device component, with its life cycle and the service it calls for.',
  // Through text, so that nothing but JSON is left of the schema library's objects.
  ...(JSON.parse(JSON.stringify(RuleDocument)) as Record<string, unknown>),
})
