export {
  APPENDED_WITHIN_MS,
  type ControlAppender,
  type ControlAppenderOptions,
  createControlAppender,
} from './control-appender.ts'
export { createDirectory, type DeviceDirectory } from './device-directory.ts'
export {
  type CredentialFacts,
  DeviceIndex,
  type KnownCredential,
  type KnownDevice,
  type KnownProduct,
} from './device-index.ts'
export {
  createLiveTail,
  type LiveFilter,
  type LiveItem,
  type LiveSubscription,
  type LiveTail,
  SUBSCRIBERS_MAX,
} from './live-tail.ts'
export { createRecorder, type Recorder, type RecorderOptions, type RecorderStatus } from './recorder.ts'
export { createRetention, type Retention, type RetentionOptions } from './retention.ts'
export {
  createRulesRunner,
  RULES_CONSUMER,
  type RulesPosition,
  type RulesRunner,
  type RulesRunnerOptions,
} from './rules-runner.ts'
