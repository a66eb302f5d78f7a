export { assertPosition, type LogPosition } from './log-position.ts'
export { openLogReader } from './log-reader.ts'
export { openTelemetryLog, type TelemetryLogOptions } from './telemetry-log.ts'
