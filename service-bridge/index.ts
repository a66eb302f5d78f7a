export type { ServiceBridge } from './bridge.ts'
export type { BridgeOptions, BridgePolicy } from './bridge-options.ts'
export { forgetEffects } from './cases/acted-upon.ts'
export { type RuleVerdict, trustSettings, verdictsOf } from './cases/rule-score.ts'
export { type SignatureCheck, signatureHeaders } from './delivery/signature.ts'
export { type CoverageAnswer, type CoverageQuestion, coverageOf } from './orders/warranty.ts'
export { DEFAULT_POLICY as servicePolicy } from './policy.ts'
export { sealReportRefs } from './reports/report-ref.ts'
export { createServiceBridge } from './service-bridge.ts'
export type {
  Actor,
  AgreementView,
  BridgeChange,
  CaseEventView,
  CaseView,
  DeliveryAttemptView,
  DeliveryView,
  EndpointView,
  GateScope,
  GateView,
  NoticeView,
  OfferSummary,
  Page,
  PageRequest,
  PartnerEventView,
  PartnerView,
  PartView,
  WebhookHeaders,
  WorkOrderView,
} from './views.ts'
export { GATE_SCOPES } from './views.ts'
