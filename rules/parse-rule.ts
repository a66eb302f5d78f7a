import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { type ProductDocument, RuleDocument } from '#contracts'
import { HubError, type Problem } from '#platform'
import { checkCondition } from './check-condition.ts'
import { checkRule } from './check-rule.ts'
import { plainInput } from './plain-input.ts'
import { schemaProblems } from './schema-problems.ts'
import { placedInText } from './text-places.ts'

/** The condition is checked node by node, which tells more than a union of everything could. */
const ENVELOPE = Compile(
  Type.Object({ ...RuleDocument.properties, when: Type.Unknown() }, { additionalProperties: false }),
)
const MEMBERS = Object.keys(RuleDocument.properties)

/** Problems told at once; a rule that has more is better written anew. */
const PROBLEMS_MAX = 50

/**
 * Reads a rule from an object or from YAML or JSON text. Past this line a rule is trusted.
 *
 * @param product Checks names and ranges too; without it only what the rule itself can say.
 * @throws {HubError} `RULE_INVALID` with a JSON pointer, a sentence and, for a text, line and column of each problem
 */
export function parseRule(input: unknown, product?: ProductDocument): RuleDocument {
  try {
    return parsePlain(plainInput(input), product)
  } catch (error) {
    throw typeof input === 'string' && error instanceof HubError ? placedInText(error, input) : error
  }
}

function parsePlain(plain: unknown, product?: ProductDocument): RuleDocument {
  if (!ENVELOPE.Check(plain)) {
    const problems = schemaProblems(ENVELOPE.Errors(plain), MEMBERS)
    // The condition can be looked at even when something beside it is wrong.
    if (typeof plain === 'object' && plain !== null && 'when' in plain)
      problems.push(
        ...checkCondition(plain.when, ['when'], { product, parameters: {}, named: new Set() }).filter(stands),
      )
    throw invalid(problems)
  }
  const rule = plain as RuleDocument
  const problems = checkRule(rule, product)
  if (problems.length > 0) throw invalid(problems)
  return rule
}

/** The problems of a product's recovery conditions, which are written in the same language. */
export function recoveryProblems(product: ProductDocument): Problem[] {
  return (product.components ?? []).flatMap(({ recovery }, i) =>
    recovery
      ? checkCondition(recovery.when, ['components', String(i), 'recovery', 'when'], {
          product,
          parameters: {},
          named: new Set(),
        })
      : [],
  )
}

/** Defaults of parameters stand beside the condition, and that part could not be read. */
function stands({ detail }: Problem): boolean {
  return !detail.startsWith('The parameter')
}

function invalid(problems: Problem[]): HubError {
  const told = problems.slice(0, PROBLEMS_MAX)
  const [first] = told
  const detail = first ? `${first.pointer || 'The rule'}: ${first.detail}` : 'The rule does not fit the schema.'
  const more = problems.length > 1 ? ` ${problems.length - 1} more problem${problems.length > 2 ? 's' : ''}.` : ''
  return new HubError('RULE_INVALID', detail + more, { problems: told, ...(first ? { pointer: first.pointer } : {}) })
}
