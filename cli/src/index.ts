import type { Dev, DevOptions } from './start-dev.ts'

export * from '@syncproof/connectors'
export * from '@syncproof/reconciler/sinks'
export type { Dev, DevOptions } from './start-dev.ts'

/** Starts everything in this process: store, collector, reconciler and metrics. What was opened is closed again
 *  where something cannot be started.
 *  Rejects with UsageError for options that contradict each other, with UnableError where a database, Redis, the
 *  folder or a port cannot be had; both say how to mend it. */
export async function startDev(options: DevOptions = {}): Promise<Dev> {
  // Loaded when it is called: every syncproof.config.ts imports this module, and needs no web server.
  const parts = await import('./start-dev.ts')
  return parts.startDev(options)
}
