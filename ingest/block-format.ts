/**
 * The bytes of one block of the telemetry log, version 1. A block is a run of entries, each
 * a tag byte and its fields, read from front to back. Names that repeat (devices, sets of
 * metrics, words) are written out where they first occur and by number afterwards, so that
 * writing needs no second pass and reading no index.
 *
 * A number that equals the length of its table announces a definition, which follows it.
 *
 * | part     | bytes                                                                         |
 * |----------|-------------------------------------------------------------------------------|
 * | count    | unsigned LEB128, below 2³¹                                                    |
 * | text     | count = bytes × 2 + (1 when UTF-16), then Latin-1 or UTF-16LE                 |
 * | word     | count into the word table; a definition is a text                             |
 * | device   | count into the device table; a definition is a word (brand) and a text (id)   |
 * | shape    | count into the shape table; a definition is a count and, each, word and type  |
 * | time     | absent (as before), 4 bytes (distance from receivedAt) or 8 bytes (absolute)  |
 *
 * The position of an entry is not written: it is the block's first position plus its rank.
 */
export const BLOCK_FORMAT = 1

export const KIND_MASK = 0b11
export const KIND_READINGS = 0
export const KIND_QUARANTINED = 1
export const KIND_CONTROL = 2
export const KIND_TICK = 3

/** Any entry: an 8-byte receivedAt follows the tag, because it differs from the entry before. */
export const FLAG_RECEIVED_AT = 0x04
/** Readings. */
export const FLAG_SERVER_TIME = 0x08
export const FLAG_IMPORTED = 0x10
export const FLAG_DELIVERY = 0x20
export const FLAG_MEASURED_NEAR = 0x40
export const FLAG_MEASURED_FAR = 0x80
/** Quarantined. */
export const FLAG_TRUNCATED = 0x08
export const FLAG_PROBLEMS = 0x10
/** Control. */
export const FLAG_OF_BRAND = 0x08

/** Types of a shape's columns. */
export const COLUMN_NUMBER = 0
export const COLUMN_BOOLEAN = 1
export const COLUMN_STRING = 2

/** The furthest measuredAt from receivedAt that four bytes hold: 24 days either way. */
export const NEAR_MS_MAX = 0x7fffffff
