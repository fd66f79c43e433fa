import type { Protection } from '@syncproof/core/contract'
import { type EntityInput, readEntity } from '../entity.ts'
import { currentContext, runIn } from '../operation/context.ts'
import { guarded } from '../operation/guarded.ts'
import { observeResult } from '../operation/observe-result.ts'
import { Section } from './section.ts'

export type { Protection }

export interface ExclusiveOptions {
  /** What keeps others out.
   *
   *  `row_lock`: a row is locked, by a read inside `fn` that an adapter or the PostgreSQL helper sees. Whether it
   *  really holds a lock is checked.
   *
   *  The others (`advisory_lock`, `version`, `serializable`, `external`): `fn` is called when it is held, and ends
   *  before it is released. An advisory lock of a transaction is taken before, inside that transaction. */
  readonly protection: Protection
  /** An id of the database transaction that holds it, where no adapter sees it. */
  readonly transaction?: string | undefined
}

/** Declares that nobody else may work on `entity` while `fn` runs, so that it shows when that does not hold. It
 *  keeps nobody out by itself. Returns what `fn` returns, throws what it throws, and stays sync where it is; outside
 *  a wrapped call it only runs `fn`. A promise that `fn` returns must settle only when its work is done.
 *  @param name the same for every piece of code that must not run at once */
export function exclusive<T>(name: string, entity: EntityInput, options: ExclusiveOptions, fn: () => T): T {
  const context = currentContext()
  if (!context || context.operation.sampledOut) return fn()
  const { operation } = context
  let section: Section | undefined
  guarded(context, () => {
    const about = readEntity(entity)
    if (!about || typeof name !== 'string' || name === '')
      return operation.instruments.warn(
        'no_entity',
        'a section without a name, or an entity with type and id, is not reported',
      )
    const { protection, transaction } = options
    section = new Section(operation, { name, entity: about, protection, transaction })
  })
  if (!section) return fn()
  const entered = section
  operation.inFlight += 1
  return observeResult(
    fn,
    () => {
      operation.inFlight -= 1
      guarded(context, () => entered.end())
    },
    (run) => runIn({ ...context, sections: [...(context.sections ?? []), entered] }, run),
  )
}
