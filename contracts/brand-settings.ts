import { type Static, Type } from 'typebox'

export const PrecisionBar = Type.Number({
  minimum: 0.1,
  maximum: 0.99,
  description: 'share of visits that must find what the rule said; below it a rule is demoted to shadow (0.6)',
})
export const CasesPerDayMax = Type.Integer({
  minimum: 1,
  maximum: 1_000_000,
  description: 'no rule is activated that is expected to open more cases in a day; none when left out',
})

/** What a brand decides for all of its rules. */
export const TrustSettings = Type.Object(
  { precisionBar: Type.Optional(PrecisionBar), casesPerDayMax: Type.Optional(CasesPerDayMax) },
  { additionalProperties: false },
)
export type TrustSettings = Static<typeof TrustSettings>

/** Six visits of ten find what they came for: below that homes and partners stop believing. */
export const PRECISION_BAR = 0.6
