export { forgetEffects } from './acted-upon.ts'
export type {
  Actor,
  AgreementView,
  BridgeChange,
  BridgeOptions,
  BridgePolicy,
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
  ServiceBridge,
  WebhookHeaders,
  WorkOrderView,
} from './bridge.ts'
export { GATE_SCOPES } from './bridge.ts'
export { checkSignature, newWebhookSecret, type SignatureCheck, signatureHeaders } from './delivery/signature.ts'
export { createServiceBridge } from './service-bridge.ts'
export { type CoverageAnswer, type CoverageQuestion, coverageOf } from './warranty.ts'
