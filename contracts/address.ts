import { type Static, Type } from 'typebox'
import { Instant } from './primitives.ts'

const Line = Type.String({ maxLength: 200 })

/** Where a home is. Stored sealed; leaves the hub only through the audited site call. */
export const Address = Type.Object(
  {
    province: Line,
    city: Line,
    district: Line,
    street: Type.Optional(Line),
    community: Type.Optional(Line),
    building: Type.Optional(Line),
    unit: Type.Optional(Line),
    floor: Type.Optional(Line),
    room: Type.Optional(Line),
    geo: Type.Optional(
      Type.Object(
        {
          lat: Type.Number({ minimum: -90, maximum: 90 }),
          lng: Type.Number({ minimum: -180, maximum: 180 }),
          datum: Type.Union([Type.Literal('gcj02'), Type.Literal('wgs84')]),
        },
        { additionalProperties: false },
      ),
    ),
    accessNotes: Type.Optional(Line),
  },
  { additionalProperties: false },
)
export type Address = Static<typeof Address>

export const SiteContact = Type.Object(
  {
    name: Line,
    number: Type.String({ maxLength: 32 }),
    kind: Type.Union([Type.Literal('privacy'), Type.Literal('direct')]),
    extension: Type.Optional(Type.String({ maxLength: 16 })),
    expiresAt: Type.Optional(Instant),
    locale: Type.String({ maxLength: 16 }),
  },
  { additionalProperties: false },
)
export type SiteContact = Static<typeof SiteContact>
