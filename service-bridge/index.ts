export { forgetEffects } from './acted-upon.ts'
export type { BridgeOptions, BridgePolicy, ServiceBridge } from './bridge.ts'
export { checkSignature, newWebhookSecret, type SignatureCheck, signatureHeaders } from './delivery/signature.ts'
export { DEFAULT_POLICY as servicePolicy } from './policy.ts'
export { type RuleVerdict, trustSettings, verdictsOf } from './rule-score.ts'
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
export { type CoverageAnswer, type CoverageQuestion, coverageOf } from './warranty.ts'
