import { type ReadOptions, read, type SyncOptions, sync, type WriteOptions, write } from './marks.ts'
import { currentContext } from './operation/context.ts'
import { HiddenIds } from './operation/hidden-ids.ts'
import type { Instruments } from './operation/operation.ts'
import { RecordReader } from './operation/record-reader.ts'
import { SyncLedger } from './operation/sync-ledger.ts'
import { resolveOptions, type SyncproofOptions, warnOfDefaultKey } from './options.ts'
import type { Delivery } from './report/books.ts'
import { Reporter } from './report/reporter.ts'
import { sampler } from './report/sampler.ts'
import { readTelemetryEnvironment } from './telemetry/environment.ts'
import { createWarn } from './warnings.ts'
import { type AnyFunction, enforceOnly, type WrapOptions, wrap } from './wrap.ts'

/** Watches sync functions of one program. Nothing that it does throws into the app, waits for the network or
 *  grows without bound. */
export interface Syncproof {
  /** A function that does what `fn` does, and whose calls are operations. Type, `this`, statics, what it
   *  returns and the errors that it throws stay the same; what is sync stays sync. A call inside another wrapped call belongs
   *  to it. A promise that it returns must settle only when its work is done. */
  wrap<F extends AnyFunction>(fn: F, options: WrapOptions<Parameters<F>>): F
  /** Marks the reading of a record from `system`. Returns what the callback returns. Outside a wrapped call it
   *  only runs the callback. */
  read<T>(system: string, callback: () => T, options?: ReadOptions<T>): T
  /** Marks the writing of `record` to the database `system`. Inside, `@syncproof/sdk/pg` brings the evidence;
   *  without it, the mark can show hazards, conflicts of declared versions and partial writes. */
  write<T, R>(system: string, record: R, callback: () => T, options?: WriteOptions<R>): T
  /** Marks the sending of `payload` to an external system. An HTTP response that the callback resolves with,
   *  or the status of the error that it throws, tells whether it was applied. */
  sync<T>(system: string, payload: unknown, callback: () => T, options?: SyncOptions<T>): T
  /** The id of the operation that the calling code runs in; undefined outside a wrapped call. Kept with a job or
   *  a row of an outbox, it lets who carries that on say so: see `onBehalfOf` and `retryOf`. */
  operationId(): string | undefined
  /** Sends what waits, for at most `flushTimeoutMs`. Never rejects. */
  flush(): Promise<Delivery>
  /** Sends what waits, says that the process ends (where no operation is open), and reports no more. Never
   *  rejects. Call it before `process.exit` and on a signal; a script that ends by itself needs nothing. */
  shutdown(): Promise<Delivery>
}

/** Makes the client. Wrong options throw, but where NODE_ENV is `production` they give a client that only runs
 *  what it is handed, and a warning: observing must not keep a service from starting.
 *  @throws TypeError */
export function createSyncproof(options: SyncproofOptions): Syncproof {
  const warn = createWarn(options?.onWarning)
  const settings = resolveOptions(options, process.env)
  if (typeof settings === 'string') {
    if (process.env.NODE_ENV !== 'production') throw new TypeError(settings)
    warn('invalid_options', `${settings}. Nothing is reported.`)
    return disabled
  }
  const { disabledBy } = readTelemetryEnvironment(process.env)
  if (disabledBy !== undefined) {
    // who turned tracing off may not have meant this
    if (disabledBy !== 'SYNCPROOF_DISABLED')
      warn(
        'disabled',
        `Nothing is reported: ${disabledBy} is true. SYNCPROOF_DISABLED=false reports all the same.`,
      )
    return disabled
  }
  warnOfDefaultKey(settings, warn)
  const reporter = new Reporter(settings, warn)
  const reader = new RecordReader(settings.fingerprintKey, settings.entities, warn)
  const instruments: Instruments = {
    reporter,
    warn,
    reader,
    entities: settings.entities,
    hiddenIds: HiddenIds.of(settings.entities, reader.fingerprinter),
    spanAttributes: settings.spanAttributes,
    keyedSyncs: new SyncLedger(),
    open: { count: 0 },
    isLeftOut: sampler(settings, warn),
  }
  return {
    // without any, no entity is told, and its calls only run
    wrap: (fn, given) => wrap(instruments, fn, given ?? NO_OPTIONS),
    read: (system, callback, given) => read(system, callback, given ?? NO_OPTIONS),
    write: (system, record, callback, given) => write(system, record, callback, given ?? NO_OPTIONS),
    sync: (system, payload, callback, given) => sync(system, payload, callback, given ?? NO_OPTIONS),
    operationId() {
      const operation = currentContext()?.operation
      return operation?.silent ? undefined : operation?.id
    },
    flush: () => reporter.flush(),
    shutdown: () => reporter.end(instruments.open.count === 0),
  }
}

// a caller in JavaScript may hand in null
const NO_OPTIONS = {} as never

const NOTHING: Delivery = { sent: 0, dropped: 0, pending: 0 }

const disabled: Syncproof = {
  wrap: (fn, given) => enforceOnly(fn, given ?? NO_OPTIONS),
  read: (_system, callback) => callback(),
  write: (_system, _record, callback) => callback(),
  sync: (_system, _payload, callback) => callback(),
  operationId: () => undefined,
  flush: async () => NOTHING,
  shutdown: async () => NOTHING,
}
