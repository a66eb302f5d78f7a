import type { BookkeepingTables } from './bookkeeping.ts'
import type { DeliveryTables } from './delivery.ts'
import type { DeviceTables } from './device.ts'
import type { HomeTables } from './home.ts'
import type { LogDerivedTables } from './log-derived.ts'
import type { ModelTables } from './models.ts'
import type { NeedTables } from './needs.ts'
import type { RuleTables } from './rule.ts'
import type { ServiceTables } from './service.ts'
import type { TenantTables } from './tenant.ts'
import type { TrustTables } from './trust.ts'

/** Every table of the hub, as Kysely sees them. The migrations are the truth; a test compares the two. */
export interface Tables
  extends TenantTables,
    HomeTables,
    DeviceTables,
    RuleTables,
    LogDerivedTables,
    DeliveryTables,
    BookkeepingTables,
    ServiceTables,
    NeedTables,
    ModelTables,
    TrustTables {}
