import {
  BinaryOperationNode,
  ColumnNode,
  type KyselyPlugin,
  OperationNodeTransformer,
  OperatorNode,
  ReferenceNode,
  ValueNode,
} from 'kysely'
import type { Database } from '#store'

/** Every `brand_id = …` becomes `1 = 1`: what then still hides other brands is row-level security alone. */
class DropBrandConditions extends OperationNodeTransformer {
  dropped = 0

  protected override transformBinaryOperation(node: BinaryOperationNode): BinaryOperationNode {
    const { leftOperand, rightOperand } = node
    const isBrand =
      ReferenceNode.is(leftOperand) &&
      ColumnNode.is(leftOperand.column) &&
      leftOperand.column.column.name === 'brand_id' &&
      // Joins within a brand stay: they compare columns, not with the caller's brand.
      !ReferenceNode.is(rightOperand)
    if (!isBrand) return super.transformBinaryOperation(node)
    this.dropped++
    const one = ValueNode.createImmediate(1)
    return BinaryOperationNode.create(one, OperatorNode.create('='), one)
  }
}

export interface Weakened {
  wrap(db: Database): Database
  /** Conditions dropped so far: a run that dropped none has shown nothing. */
  dropped(): number
}

export function withoutBrandConditions(): Weakened {
  const transformer = new DropBrandConditions()
  const plugin: KyselyPlugin = {
    transformQuery: ({ node, queryId }) => transformer.transformNode(node, queryId),
    transformResult: async ({ result }) => result,
  }
  return {
    wrap: (db) => ({
      asBrand: (brandId, work) => db.asBrand(brandId, (tx) => work(tx.withPlugin(plugin) as typeof tx)),
      // In hub scope there is no second wall, and none is claimed.
      asHub: (work) => db.asHub(work),
      close: () => db.close(),
    }),
    dropped: () => transformer.dropped,
  }
}
