export type { Signal, Step } from './alert-lifecycle.ts'
export { canonicalRule } from './canonical-rule.ts'
export type { CheckpointEntry } from './checkpoint.ts'
export type { Counters } from './counters.ts'
export { dispatchOf } from './dispatch.ts'
export { type BrandSilence, createEvaluator, EVALUATOR_VERSION, type Evaluator, type WarmingRule } from './evaluator.ts'
export { inhibitionProblems } from './inhibition.ts'
export { metricsOfCondition, metricsOfRule } from './metrics-of.ts'
export { type EffectiveValue, effectiveValue, type ParameterSetting, type ParameterSubject } from './parameters.ts'
export { parseRule, recoveryProblems } from './parse-rule.ts'
export { PartLife, type SavedPartLife } from './part-life.ts'
export { type PartSpec, partSpecOf } from './part-spec.ts'
export type { ReadingColumns } from './reading-columns.ts'
export { maxGapMs, type ReportingTimes } from './reporting.ts'
export { type RuleChange, ruleDiff } from './rule-diff.ts'
export { ruleJsonSchema } from './rule-json-schema.ts'
export { scopeKey } from './silence-diagnosis.ts'
export {
  isStorm,
  STORM_CITY_DIGITS,
  STORM_FIRMWARE_LENGTH,
  STORM_WINDOW_MS,
  type StormGroup,
  stormGroup,
  stormLimit,
} from './storm-guard.ts'
export { placedInText } from './text-places.ts'
export { compare } from './truth.ts'
export { type FileSubject, runRuleTests } from './unit-tests/run-file.ts'
export type { Failure, TestResult } from './unit-tests/run-test.ts'
export { parseRuleTests, type RuleTest, type RuleTestFile } from './unit-tests/test-file.ts'
export type { ViewFilter } from './views.ts'
export { warmUpMs } from './warm-up.ts'
