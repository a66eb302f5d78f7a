import { type TSchema, Type } from 'typebox'

/** Closed: a field that is not listed is refused on the way in, and never sent on the way out. */
export function Closed<Fields extends Record<string, TSchema>>(
  fields: Fields,
  options: { minProperties?: number } = {},
) {
  return Type.Object(fields, { additionalProperties: false, ...options })
}

export function Nullable<Schema extends TSchema>(schema: Schema) {
  return Type.Union([schema, Type.Null()])
}

/** A segment of the path that names something. Checked loosely: what does not exist is 404 whatever its form. */
export const PathName = Type.String({ minLength: 1, maxLength: 128 })

export const Secret = Type.String({ description: 'shown only in this answer' })

/** ISO 8601 UTC with milliseconds, as every answer writes it. */
export const Time = Type.String({ format: 'date-time' })
