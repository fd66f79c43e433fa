import type { Context } from './context.ts'

/** Runs code of ours that must not reach the app. What it failed to report counts as still under way, so that
 *  nothing is claimed from its absence. */
export function guarded(context: Context, report: () => void): void {
  try {
    report()
  } catch (error) {
    faulted(context, error)
  }
}

/** A fault of ours, where a `try` of the caller's has caught it. */
export function faulted({ operation }: Context, error: unknown): void {
  operation.inFlight += 1
  operation.instruments.warn('internal', error)
}

/** Of code of the app's that may throw, or not be of the shape that we expect: then undefined. */
export function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch {
    return undefined
  }
}
