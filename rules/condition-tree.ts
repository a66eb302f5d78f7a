import { FALSE, TRUE, UNKNOWN } from './alert-lifecycle.ts'
import { LEAF_TRUTH, LEAF_UNTIL } from './leaf.ts'
import type { Truth } from './truth.ts'

/** A condition with its leaves replaced by the place of their truth in an instance's numbers. */
export type TreeNode =
  | { kind: 'leaf'; at: number }
  | { kind: 'all'; children: readonly TreeNode[] }
  | { kind: 'any'; children: readonly TreeNode[] }
  | { kind: 'not'; child: TreeNode }

/** Kleene's three-valued logic over what the leaves say at `atMs`: a leaf past its time is unknown. */
export function truthAt(node: TreeNode, core: readonly number[], offset: number, atMs: number): Truth {
  switch (node.kind) {
    case 'leaf':
      return leafAt(node.at, core, offset, atMs)
    case 'not': {
      const truth = truthAt(node.child, core, offset, atMs)
      return truth === UNKNOWN ? UNKNOWN : truth === TRUE ? FALSE : TRUE
    }
    case 'all':
      return gather(node.children, FALSE, TRUE, core, offset, atMs)
    case 'any':
      return gather(node.children, TRUE, FALSE, core, offset, atMs)
  }
}

function leafAt(at: number, core: readonly number[], offset: number, atMs: number): Truth {
  return atMs > core[offset + at + LEAF_UNTIL]! ? UNKNOWN : (core[offset + at + LEAF_TRUTH]! as Truth)
}

function gather(
  children: readonly TreeNode[],
  decisive: Truth,
  otherwise: Truth,
  core: readonly number[],
  offset: number,
  atMs: number,
): Truth {
  let result = otherwise
  for (let i = 0; i < children.length; i++) {
    const child = children[i]!
    // Nearly all children are leaves, and every reading comes by here.
    const truth = child.kind === 'leaf' ? leafAt(child.at, core, offset, atMs) : truthAt(child, core, offset, atMs)
    if (truth === decisive) return decisive
    if (truth === UNKNOWN) result = UNKNOWN
  }
  return result
}

/**
 * Until when a known truth stays known without another sample. Leaves only ever turn unknown by
 * themselves, and Kleene's logic is monotone in that: a known answer stays or becomes unknown.
 */
export function knownUntil(
  node: TreeNode,
  truth: Truth,
  core: readonly number[],
  offset: number,
  atMs: number,
): number {
  switch (node.kind) {
    case 'leaf':
      return core[offset + node.at + LEAF_UNTIL]!
    case 'not':
      return knownUntil(node.child, truth === TRUE ? FALSE : TRUE, core, offset, atMs)
    case 'all':
    case 'any': {
      // One decisive child carries the answer alone; without one, all of them do together.
      const decisive = node.kind === 'all' ? FALSE : TRUE
      let untilMs = truth === decisive ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
      const { children } = node
      for (let i = 0; i < children.length; i++) {
        const child = children[i]!
        const isLeaf = child.kind === 'leaf'
        const childTruth = isLeaf ? leafAt(child.at, core, offset, atMs) : truthAt(child, core, offset, atMs)
        if (truth === decisive && childTruth !== decisive) continue
        const childUntilMs = isLeaf
          ? core[offset + child.at + LEAF_UNTIL]!
          : knownUntil(child, childTruth, core, offset, atMs)
        untilMs = truth === decisive ? Math.max(untilMs, childUntilMs) : Math.min(untilMs, childUntilMs)
      }
      return untilMs
    }
  }
}

/**
 * The leaves that carry a known answer, by their place, each with what it said. One decisive child
 * carries the answer; beside it, whoever says the same, and nobody who does not. What was said
 * counts however long ago: an answer outlives the sample it came from.
 */
export function leavesBehind(
  node: TreeNode,
  truth: Truth,
  core: readonly number[],
  offset: number,
  found: Map<number, Truth> = new Map(),
): Map<number, Truth> {
  if (node.kind === 'leaf') found.set(node.at, truth)
  else if (node.kind === 'not') leavesBehind(node.child, truth === TRUE ? FALSE : TRUE, core, offset, found)
  else
    for (const child of node.children)
      if (truthAt(child, core, offset, Number.NEGATIVE_INFINITY) === truth)
        leavesBehind(child, truth, core, offset, found)
  return found
}
