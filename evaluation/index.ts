export { type EvaluateOptions, type EvaluationReport, evaluate, type ProtocolReport } from './evaluate.ts'
export { lifePlotSvg } from './life-plot.ts'
export { PROTOCOLS } from './protocols.ts'
export { reportTable } from './report-table.ts'
