import type { Writing } from '../program/diary.ts'
import type { Values } from '../world/row.ts'
import { type Change, type Facts, knowledgeBefore } from './facts.ts'

/** A committed write that replaced a version which its operation, and every one under the same root, had neither read
 *  nor made. */
export interface Overwrite {
  readonly statement: Writing
  readonly row: string
  /** As the version's `updated_by`. */
  readonly replaced: string
  /** Fields that were lost by it, in order; none = a conflict without a loss. */
  readonly lost: readonly string[]
  /** Nothing that it wrote depends on what it had read: right on any version. */
  readonly indifferent: boolean
  /** Something that the SDK cannot look through lies on the way, so that it says less. */
  readonly veiled: boolean
}

/** All of them, by the definitions of a lost update and of a write conflict. */
export function overwritesOf(facts: Facts): Overwrite[] {
  const madeIn = new Map<string, string>()
  const madeAs = new Map<string, Values>()
  for (const change of facts.changes) {
    if (!change.new) continue
    madeIn.set(versionOf(change.row, change.new), change.transaction)
    madeAs.set(versionOf(change.row, change.new), change.new)
  }
  const made = (row: string) => (statement: string) => madeAs.get(`${row} ${statement}`)
  return facts.changes.flatMap((change) => {
    const { statement, old, row, transaction } = change
    if (!statement || !old) return []
    const replaced = String(old.updated_by)
    // of the same transaction: a trigger's, or that of another operation which shares it
    if (madeIn.get(versionOf(row, old)) === transaction) return []
    if (facts.writerOf(replaced)?.root === statement.root) return []
    const { versions, base } = knowledgeBefore(facts.linesOf(statement.root), statement, row, made(row))
    // who has never seen the row cannot have missed a version of it
    if (versions.size === 0 || !base || versions.has(replaced)) return []
    const indifferent =
      change.new !== null && Object.keys(statement.set).every((field) => field === 'updated_by')
    const lost = lostFields(facts, change, statement, base)
    return [{ statement, row, replaced, lost, indifferent, veiled: isVeiled(facts, change, statement) }]
  })
}

/** Before PostgreSQL 18 an upsert cannot say what it replaced. After a row was written whose trigger writes too, nobody
 *  can say which versions there were. The helper shows the row that an undone write had left, and so others' changes. */
function isVeiled(facts: Facts, { table }: Change, { action, statement, root }: Writing): boolean {
  if (action === 'upsert') return true
  const isShown = facts.accounts.get(root)?.plan?.access === 'helper'
  if (isShown && facts.linesOf(root).some(({ what }) => what === 'undone')) return true
  const own = facts.linesOf(root).filter((line) => line.what === 'writing')
  return table === 'bumped' && own.some((line) => line.statement !== statement || line.rows.length > 1)
}

function lostFields(facts: Facts, { old, new: made }: Change, statement: Writing, base: Values): string[] {
  if (!old || !made) return []
  const plan = facts.accounts.get(statement.call)?.plan
  // only the app's own functions declare it
  const declaresCounter = plan?.change === 'counter' && plan.shape !== 'shared_transaction'
  const supplied = new Set<unknown>([plan?.row, ...Object.values(plan?.updates ?? {})])
  return Object.entries(statement.set)
    .filter(([field, value]) => {
      if (field === 'updated_by' || old[field] === base[field]) return false
      if (field === 'score' && declaresCounter) return true
      // the caller's own, or changed again by the database
      if (supplied.has(value) || made[field] !== value) return false
      return value === base[field] || value !== old[field]
    })
    .map(([field]) => field)
    .sort()
}

function versionOf(row: string, values: Values): string {
  return `${row} ${values.updated_by}`
}
