export { buildCollector, type CollectorLog, type CollectorOptions } from './build-collector.ts'
export { type RunningCollector, type StartOptions, startCollector } from './start-collector.ts'
