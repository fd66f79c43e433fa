export { checkRedis } from './check-redis.ts'
export { prepareQueue } from './queue-schema.ts'
export { type Reconciler, type ReconcilerOptions, startReconciler } from './reconciler.ts'
export { type QueueConnection, QueueUnavailableError } from './transport.ts'
