import { type EntityRef, entityKey, type Outcome } from '@syncproof/core/contract'
import { now } from '../clock.ts'
import type { Invariant } from '../options.ts'
import type { Operation } from './operation.ts'

export interface WrittenRecord {
  readonly entity: EntityRef
  readonly system: string
  readonly record: unknown
  /** The row as the database has it; false for what the app says it writes, which may be a part of it. */
  readonly isRow: boolean
}

/** Asks the invariants of a record that is being written. @returns to be told what became of the write; only
 *  then is it said what the record breaks. A record that is written again before is left to that write: what a
 *  transaction holds for a moment, nobody sees. Undefined where none are declared. */
export function checkInvariants(
  operation: Operation,
  written: WrittenRecord,
): ((outcome: Outcome) => void) | undefined {
  const { entity, system } = written
  if (operation.sampledOut) return undefined
  const { entities } = operation.instruments
  const invariants = Object.hasOwn(entities, entity.type) ? entities[entity.type]?.invariants : undefined
  if (!invariants) return undefined
  const broken = Object.entries(invariants).flatMap(([name, holds]) =>
    isBroken(operation, name, holds, written) ? [name] : [],
  )
  const moment = now()
  const { latestWrites } = operation
  const key = `${system}\n${entityKey(entity)}`
  latestWrites.set(key, broken)
  return (outcome) => {
    if (latestWrites.get(key) !== broken) return
    latestWrites.delete(key)
    if (outcome !== 'ok') return
    for (const name of broken) operation.produce('invariant_violated', moment, { name, entity, system })
  }
}

function isBroken(operation: Operation, name: string, holds: Invariant, written: WrittenRecord): boolean {
  const { record } = written
  if (typeof record !== 'object' || record === null) return false
  const view = { sawAll: true }
  try {
    return holds(watched(record, written.isRow, view)) === false && view.sawAll
  } catch (error) {
    // it may well be the missing field that it fell over
    if (view.sawAll)
      operation.instruments.warn(
        'invariant_failed',
        `the invariant ${name} of ${written.entity.type} threw a ${errorName(error)}: it says nothing`,
      )
    return false
  }
}

/** The record, which tells when something was looked at that it does not tell of the row: a field that is not
 *  there, or, where it is no row, an object that may stand for a change (`{ increment: 1 }`). */
function watched(
  record: object,
  isRow: boolean,
  view: { sawAll: boolean },
): Readonly<Record<string, unknown>> {
  const look = (known: boolean) => {
    if (!known) view.sawAll = false
  }
  return new Proxy(record as Record<string, unknown>, {
    get(target, field) {
      const value: unknown = Reflect.get(target, field, target)
      look(value !== undefined && (isRow || isPlainValue(value)))
      return value
    },
    has(target, field) {
      look(isRow || Reflect.has(target, field))
      return Reflect.has(target, field)
    },
    ownKeys(target) {
      look(isRow)
      return Reflect.ownKeys(target)
    },
    set: () => false,
    defineProperty: () => false,
    deleteProperty: () => false,
  })
}

function isPlainValue(value: unknown): boolean {
  return (typeof value !== 'object' && typeof value !== 'function') || value === null || value instanceof Date
}

function errorName(error: unknown): string {
  return error instanceof Error ? error.constructor.name : typeof error
}
