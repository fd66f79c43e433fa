export { buildCollector, type CollectorLog, type CollectorOptions } from './build-collector.ts'
export type { Quota } from './http/admission.ts'
export { collectorLimits } from './limits.ts'
export { type RunningCollector, type StartOptions, startCollector } from './start-collector.ts'
