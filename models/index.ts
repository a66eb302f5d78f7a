export {
  type BatteryKind,
  type BatteryReading,
  type BatteryState,
  batteryStateOf,
  NEW_BATTERY,
} from './battery-state.ts'
export type { ConformalBands, Residual } from './conformal.ts'
export { countsDown } from './countdown-check.ts'
export { addToDays, type DailyPointsState, NO_DAYS } from './daily-points.ts'
export { type DriftState, driftOf, NO_DRIFT } from './drift.ts'
export {
  createDuplicateFilter,
  DuplicateFilter,
  type DuplicateVerdict,
  type FilteredReading,
  hashKey,
  hashRow,
  isMissing,
  type SavedDuplicateFilter,
} from './duplicate-filter.ts'
export {
  type FailedUnit,
  type FailureRegression,
  fitFailureRegression,
  readFailureRegression,
} from './failure-regression.ts'
export type { FleetCurve, FleetCurveOptions, LifeUnit } from './fleet-curve.ts'
export type { HealthIndex, HealthSample } from './health-index.ts'
export { LevelTracker, type LevelTrackerOptions, type LevelTrackerState, type TrackedLevel } from './level-tracker.ts'
export { type LifeWords, lifeFactors } from './life-factors.ts'
export {
  type DeviceCourse,
  fitLifeModel,
  type LifeModel,
  type LifeModelOptions,
  type RemainingUse,
  remainingUse,
} from './life-model.ts'
export {
  fitMultivariateBaseline,
  MultivariateAnomaly,
  type MultivariateBaseline,
  type MultivariateScore,
} from './multivariate-anomaly.ts'
export { poissonInterval } from './poisson-interval.ts'
export { type PrecisionWatch, watchPrecision } from './precision-watch.ts'
export { forecastReach, type ReachForecast, reachedWith } from './reach-forecast.ts'
export { refractory } from './refractory.ts'
export { type ReconciledReset, type ResetClaim, type ResetState, sawReset } from './reset-detector.ts'
export {
  daysOutlasted,
  fitServiceLife,
  type HeldOut,
  LIVES_LEAST,
  LIVES_MOST,
  type LifeDay,
  type RemainingDays,
  remainingDays,
  type SeenLife,
  type ServiceLife,
  wearOf,
} from './service-life.ts'
export { type AnomalyScore, type AnomalyTrait, StreamAnomaly, type StreamAnomalyState } from './stream-anomaly.ts'
export { fitTrend, type Trend, type TrendFamily } from './trend-fit.ts'
export { fitTriggerOdds, type TriggerCase, type TriggerOdds, triggerScore } from './trigger-odds.ts'
export { type Unknown, type UnknownReason, unknown } from './unknown.ts'
export { timeForUse, type UseProfile } from './use-forecast.ts'
export { type WearPath, wearPosition } from './wear-path.ts'
export type { WeekProfileState } from './week-profile.ts'
export { wilsonInterval } from './wilson.ts'
