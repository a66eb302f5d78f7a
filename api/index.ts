export { type ChangeFeed, createChangeFeed } from './change-feed.ts'
export { sealHomeRefs } from './homes.ts'
export { createCommandKey, createFirstAdmin, type NewKey } from './keys.ts'
export { createProvision, type ProvisionOptions } from './provisioning.ts'
export { type Api, createApi } from './server.ts'
export {
  type ApiLimits,
  type ApiServices,
  DEFAULT_LIMITS,
  type PartReadiness,
  type SteppableClock,
} from './services.ts'
