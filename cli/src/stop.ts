import { constants } from 'node:os'
import { EXIT, type ExitCode, UnableError } from './command.ts'
import type { Terminal } from './output/terminal.ts'

/** A Ctrl-C under npm or npx arrives more than once: from the terminal, and passed on by the parents. Signals
 *  within this time are one. */
const SAME_SIGNAL_MS = 500
/** Below the 30 s after which orchestrators kill. */
const CLOSE_MS_MAX = 25_000

/** Runs a service until SIGINT, SIGTERM or SIGHUP, closes it and resolves with exit code 0.
 *  A second signal exits at once. Listen before the service starts, so that no signal is lost meanwhile. */
export function listenForStop(terminal: Terminal): (close: () => Promise<void>) => Promise<ExitCode> {
  const stop = Promise.withResolvers<void>()
  let firstMs: number | undefined
  const onSignal = (signal: NodeJS.Signals) => {
    firstMs ??= performance.now()
    if (performance.now() - firstMs > SAME_SIGNAL_MS) process.exit(128 + constants.signals[signal])
    stop.resolve()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)

  return async (close) => {
    await stop.promise
    terminal.say('Stopping. What was accepted is finished first; a second Ctrl-C ends at once.')
    await closeInTime(close())
    terminal.say('Stopped.')
    return EXIT.clean
  }
}

async function closeInTime(closing: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new UnableError(`Closing took longer than ${CLOSE_MS_MAX / 1000} s.`)),
    CLOSE_MS_MAX,
  )
  try {
    await Promise.race([closing, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
