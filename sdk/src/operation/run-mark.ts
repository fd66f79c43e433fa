import type { Guard } from '@syncproof/core/contract'
import { type Moment, now } from '../clock.ts'
import { type EntityInput, readEntity } from '../entity.ts'
import { type Context, currentContext, type MarkScope, runInMark } from './context.ts'
import { faulted } from './guarded.ts'
import { observeResult, type Settled } from './observe-result.ts'
import { beginSync, type SentSync, type SyncInput } from './report-sync.ts'

/** What is known of a mark before its callback runs. */
export interface MarkInput {
  readonly kind: MarkScope['kind']
  readonly system: string
  readonly options: {
    readonly entity?: EntityInput | undefined
    readonly guard?: Guard | undefined
    readonly counter?: readonly string[] | undefined
    readonly lastWriteWins?: readonly string[] | undefined
  }
  readonly record?: unknown
  readonly sync?: Pick<
    SyncInput,
    'action' | 'payload' | 'attempt' | 'idempotencyKey' | 'uniqueKey' | 'onBehalfOf'
  >
}

/** A mark under way. */
export interface Mark {
  readonly context: Context & { readonly scope: MarkScope }
  readonly sentAt: Moment
  readonly sentOrder: number
  /** Only of a sync. */
  readonly sync: SentSync | undefined
}

/** Runs the callback as it is. Inside an operation it opens a scope that evidence from inside the callback is
 *  reported to; where none came, `report` says what the mark knows by itself. */
export function runMark<T>(
  input: MarkInput,
  callback: () => T,
  report: (mark: Mark, result: Settled<T>) => void,
): T {
  const context = currentContext()
  const mark = context && beginMark(context, input)
  if (!mark) return callback()
  const { operation } = context
  operation.inFlight += 1
  return observeResult(
    callback,
    (result) => {
      operation.inFlight -= 1
      if (mark.context.scope.reported > 0) return
      try {
        report(mark, result)
      } catch (error) {
        faulted(context, error)
      }
    },
    (run) => runInMark(mark.context, run),
  )
}

/** Undefined where that failed, which is a fault of ours. */
function beginMark(context: Context, { kind, system, options, record, sync }: MarkInput): Mark | undefined {
  const { operation } = context
  try {
    const given = readEntity(options.entity)
    const entity = given ?? operation.entity
    const scope: MarkScope = {
      kind,
      system,
      entity,
      isEntityGiven: given !== undefined,
      record,
      guard: options.guard,
      counter: operation.declaredFields('counter', entity, options.counter),
      lastWriteWins: operation.declaredFields('lastWriteWins', entity, options.lastWriteWins),
      reported: 0,
    }
    return {
      context: { operation, scope, sections: context.sections },
      sync: sync && beginSync(operation, { ...sync, system, entity }),
      sentOrder: operation.knowledge.clock(),
      sentAt: now(),
    }
  } catch (error) {
    faulted(context, error)
    return undefined
  }
}
