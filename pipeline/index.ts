export { quantilesOf } from './backtest/against-outcomes.ts'
export type { BacktestEpisode, BacktestProgress, BacktestResult } from './backtest/backtest-result.ts'
export {
  type BacktestOptions,
  type BacktestParts,
  type BacktestRequest,
  type Backtests,
  createBacktests,
  type DiffRequest,
  type DiffResult,
} from './backtest/backtests.ts'
export type { ExpectedVolume, ExpectedVolumeRequest, VolumeRange } from './backtest/expected-volume.ts'
export type { ServicePolicy } from './backtest/service-estimate.ts'
export { type StoredScore, scoreStored } from './backtest/stored-score.ts'
export { type ControlAppender, type ControlAppenderOptions, createControlAppender } from './control-appender.ts'
export { createDirectory, type DeviceDirectory } from './device-directory.ts'
export type { CredentialFacts, KnownCredential, KnownDevice, KnownProduct } from './device-index.ts'
export { createLiveTail, type LiveFilter, type LiveItem, type LiveSubscription, type LiveTail } from './live-tail.ts'
export { createNights, isNightDue, type NightReport, type Nights, tickNights } from './nightly/nights.ts'
export { createRecorder, type Recorder, type RecorderOptions, type RecorderStatus } from './recorder.ts'
export { createRetention, type Retention, type RetentionOptions } from './retention.ts'
export { createRulesRunner, type RulesPosition, type RulesRunner, type RulesRunnerOptions } from './rules-runner.ts'
