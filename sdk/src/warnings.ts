/** Something that the user should know, said once for each code. */
export interface SyncproofWarning {
  readonly code:
    | 'invalid_options'
    | 'disabled'
    | 'default_fingerprint_key'
    | 'unauthorized'
    | 'collector_refuses'
    | 'events_rejected'
    | 'queue_full'
    | 'sample_rate'
    | 'spool_unreadable'
    | 'spool_unwritable'
    | 'unreadable_field'
    | 'no_entity'
    | 'undeclared_table'
    | 'rows_over_limit'
    | 'generator_not_wrapped'
    | 'contract_failed'
    | 'invariant_failed'
    | 'internal'
  readonly message: string
}

/** @param message what was thrown, where it is a fault of ours */
export type Warn = (code: SyncproofWarning['code'], message: unknown) => void

/** @param onWarning default: `process.emitWarning` with the type `SyncproofWarning` */
export function createWarn(onWarning: ((warning: SyncproofWarning) => void) | undefined): Warn {
  const said = new Set<string>()
  return (code, told) => {
    if (said.has(code)) return
    said.add(code)
    try {
      // not `String(told)`, which throws for some objects
      const message =
        typeof told === 'string' ? told : `a fault of Syncproof, not of the app: ${(told as Error)?.message}`
      if (onWarning) onWarning({ code, message })
      else process.emitWarning(message, { type: 'SyncproofWarning', code })
    } catch {
      // a handler that throws is the app's own; the call that led here must go on
    }
  }
}
