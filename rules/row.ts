import type { Plan } from './plan.ts'

/** Whether a row of values has any that the plan reads. */
export function rowConcerns({ columns }: Plan, rows: readonly number[], at: number): boolean {
  for (let i = 0; i < columns.length; i++) {
    const value = rows[at + columns[i]!]
    if (value !== undefined && !Number.isNaN(value)) return true
  }
  return false
}
