import { agreementRoutes } from './agreements.ts'
import { alertRoutes } from './alerts.ts'
import { auditRoutes } from './audit.ts'
import { backtestRoutes } from './backtests.ts'
import { brandRoutes } from './brands.ts'
import { bulkTelemetryRoutes } from './bulk-telemetry.ts'
import { caseRoutes } from './cases.ts'
import { changeRoutes } from './changes.ts'
import { clockRoutes } from './clock.ts'
import { commandRoutes } from './commands.ts'
import { componentHealthRoutes } from './component-health.ts'
import { conditionRoutes } from './conditions.ts'
import { consentRoutes } from './consents.ts'
import { credentialRoutes } from './credentials.ts'
import { deliveryRoutes } from './deliveries.ts'
import { deviceBulkRoutes } from './device-bulk.ts'
import { deviceHttpRoutes } from './device-http.ts'
import { deviceRoutes } from './devices.ts'
import { endpointRoutes } from './endpoints.ts'
import { eventRoutes } from './events.ts'
import { faultReportRoutes } from './fault-reports.ts'
import { fleetHoldRoutes } from './fleet-holds.ts'
import { gateRoutes } from './gates.ts'
import { healthRoutes } from './health.ts'
import { homeLinkRoutes } from './home-link.ts'
import { homePrivacyRoutes } from './home-privacy.ts'
import { homeRoutes } from './homes.ts'
import { importLineRoutes, importRoutes } from './imports.ts'
import { jobLinkRoutes } from './job-link.ts'
import { keyRoutes } from './keys.ts'
import { modelRoutes } from './models.ts'
import { noticeRoutes } from './notices.ts'
import { offerStopRoutes } from './offer-stops.ts'
import { offerRoutes } from './offers.ts'
import { outcomeBulkRoutes, outcomeRoutes } from './outcomes.ts'
import { pageRoutes } from './pages.ts'
import { parameterRoutes } from './parameters.ts'
import { partnerSideRoutes } from './partner-side.ts'
import { partnerRoutes } from './partners.ts'
import { partRoutes } from './parts.ts'
import { peopleRoutes } from './people.ts'
import { productRoutes } from './products.ts'
import { provisioningRoutes } from './provisioning.ts'
import { quarantineRoutes } from './quarantine.ts'
import type { Routes } from './routes.ts'
import { ruleCareRoutes } from './rule-care.ts'
import { ruleRoutes } from './rules.ts'
import { scorecardRoutes } from './scorecards.ts'
import { silenceRoutes } from './silences.ts'
import { siteResolverRoutes } from './site-resolver.ts'
import { statsRoutes } from './stats.ts'
import { telemetryRoutes } from './telemetry.ts'
import { timelineRoutes } from './timeline.ts'
import { workOrderRoutes } from './work-orders.ts'

/** Every resource, in the order the documentation shows them. */
export const ROUTES: readonly Routes[] = [
  healthRoutes,
  brandRoutes,
  keyRoutes,
  productRoutes,
  homeRoutes,
  peopleRoutes,
  consentRoutes,
  homePrivacyRoutes,
  siteResolverRoutes,
  offerStopRoutes,
  deviceRoutes,
  deviceBulkRoutes,
  credentialRoutes,
  provisioningRoutes,
  telemetryRoutes,
  timelineRoutes,
  componentHealthRoutes,
  modelRoutes,
  conditionRoutes,
  commandRoutes,
  bulkTelemetryRoutes,
  importRoutes,
  importLineRoutes,
  outcomeRoutes,
  outcomeBulkRoutes,
  ruleRoutes,
  ruleCareRoutes,
  scorecardRoutes,
  backtestRoutes,
  parameterRoutes,
  changeRoutes,
  alertRoutes,
  silenceRoutes,
  caseRoutes,
  faultReportRoutes,
  fleetHoldRoutes,
  offerRoutes,
  workOrderRoutes,
  partnerRoutes,
  agreementRoutes,
  partRoutes,
  noticeRoutes,
  deliveryRoutes,
  endpointRoutes,
  gateRoutes,
  quarantineRoutes,
  auditRoutes,
  statsRoutes,
  eventRoutes,
  clockRoutes,
  homeLinkRoutes,
  jobLinkRoutes,
  partnerSideRoutes,
  deviceHttpRoutes,
  pageRoutes,
]
