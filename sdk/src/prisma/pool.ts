import type { Context } from '../operation/context.ts'
import { ANYTHING } from '../operation/knowledge.ts'
import type { Field } from '../pg/answer.ts'
import type { ObserveOptions } from '../pg/connection.ts'
import { type Observable, observe } from '../pg/observe.ts'
import type { Values } from '../pg/sql.ts'
import { loadedParser } from '../sql/parser.ts'
import { currentCall } from './call.ts'
import { presentRecord } from './models.ts'

/** A pool like the one given, for `new PrismaPg(pool)` below a client that `syncproofPrisma` extends. It must be a
 *  pool of the `pg` that `@prisma/adapter-pg` uses. What is sent by no call of such a client runs as it is, and
 *  brings no evidence. */
export function prismaPool<T extends Observable>(pool: T, options: ObserveOptions = {}): T {
  return observe(pool, { ...options, present, castColumn, contextOf })
}

function present(table: string, record: Values): Values {
  return presentRecord(currentCall()?.models.get(table), record)
}

/** Prisma reads enums as text. */
function castColumn(table: string, { name, dataTypeID }: Field): string | undefined {
  const call = currentCall()
  const isEnum = call?.isOfModel && call.models.get(table)?.fields.get(name)?.values !== undefined
  return isEnum && dataTypeID === TEXT ? name : undefined
}

/** The type's oid. */
const TEXT = 25

/** Only a call of the extension is known to be sent for the operation in whose context it is sent. */
function contextOf(context: Context, text: string): Context | undefined {
  const call = currentCall()
  if (call) {
    call.statements += 1
    return context
  }
  if (frames.has(loadedParser()?.describe(text).kind)) return context
  context.operation.knowledge.touchedBlindly(ANYTHING)
  return undefined
}

/** Statements that frame those of calls: Prisma sends them by itself. */
const frames: ReadonlySet<string | undefined> = new Set([
  'begin',
  'commit',
  'rollback',
  'savepoint',
  'release',
  'rollback_to',
  'set_isolation',
  'session',
])
