import type { ColumnType, Generated } from 'kysely'

/** `jsonb`: read as a value, written as JSON text, because the driver would turn an array into a Postgres array. */
export type Json<T> = ColumnType<T, string, string>
/** `jsonb` that may be null. */
export type NullableJson<T> = ColumnType<T | null, string | null | undefined, string | null>
/** `jsonb` that has a default. */
export type DefaultedJson<T> = ColumnType<T, string | undefined, string>
/** A value the database gives when none is inserted. */
export type Defaulted<T> = Generated<T>
/** May be left out when inserting. */
export type Nullable<T> = ColumnType<T | null, T | null | undefined, T | null>
/** Hub time in milliseconds; `bigint` there, a safe integer here. */
export type Ms = number
