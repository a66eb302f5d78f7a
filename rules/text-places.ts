import { type Document, isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument } from 'yaml'
import { HubError, type Problem } from '#platform'
import { TEXT_LENGTH_MAX } from './plain-input.ts'

/**
 * The same error with the line and column of each problem in the text the rule was written in, YAML or JSON. What is
 * missing is placed where it should stand: at the object that lacks it.
 */
export function placedInText(error: HubError, text: string): HubError {
  // Longer than any rule: that is the problem, and reading it anyway would hold up everybody.
  if (text.length > TEXT_LENGTH_MAX || error.problems.every(({ line }) => line !== undefined)) return error
  const lines = new LineCounter()
  let document: Document
  try {
    document = parseDocument(text, { lineCounter: lines, logLevel: 'silent' })
  } catch {
    return error
  }
  const problems = error.problems.map((problem): Problem => {
    if (problem.line !== undefined) return problem
    const { line, col } = lines.linePos(offsetOf(document, problem.pointer))
    return { ...problem, line: Math.max(1, line), column: Math.max(1, col) }
  })
  const [first] = problems
  const where = first?.line === undefined ? '' : `Line ${first.line}, column ${first.column}: `
  const { pointer } = error
  return new HubError(error.code, where + error.message, {
    cause: error,
    problems,
    ...(pointer === undefined ? {} : { pointer }),
  })
}

/** Where what a pointer names begins: the name of a member, so that the eye finds it, or the item of a list. */
function offsetOf(document: Document, pointer: string): number {
  const path = pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  let node: unknown = document.contents
  let offset = startOf(node)
  for (const step of path) {
    const next: { at: unknown; node: unknown } | null = stepInto(node, step)
    if (!next) break
    offset = startOf(next.at) || offset
    node = next.node
  }
  return offset
}

function stepInto(node: unknown, step: string): { at: unknown; node: unknown } | null {
  if (isSeq(node)) {
    const item = node.items[Number(step)]
    return item === undefined ? null : { at: item, node: item }
  }
  if (!isMap(node)) return null
  const pair = node.items.find((candidate: Pair) => isScalar(candidate.key) && String(candidate.key.value) === step)
  return pair ? { at: pair.key, node: pair.value } : null
}

function startOf(node: unknown): number {
  return (node as { range?: [number, number, number] | null } | null)?.range?.[0] ?? 0
}
