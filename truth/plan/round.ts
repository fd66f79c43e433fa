import {
  ACCESSES,
  ANSWERS,
  type CallPlan,
  CHANGES,
  CRASHES,
  GUARDS,
  SHAPES,
  type Shape,
  TABLES,
  type Table,
} from './call.ts'
import type { Random } from './random.ts'

/** Calls that share two rows of one table and may meet there. */
export interface GroupPlan {
  readonly table: Table
  readonly rows: readonly [string, string]
  readonly calls: readonly CallPlan[]
}

/** The other row of its group: calls meet on these two alone. */
export function partnerOf(row: string): string {
  return `${row.slice(0, -1)}${row.endsWith('a') ? 'b' : 'a'}`
}

/** Which calls there are, and how often. */
export interface Mix {
  /** Calls of one group. */
  readonly callsMax: number
  /** That a call's process kills itself in it. */
  readonly crashes: number
}

const WITH_ANY_ACCESS: readonly Shape[] = [
  'plain',
  'nested',
  'skew',
  'savepoint',
  'delete_and_create',
  'create_by_email',
]
const IN_A_TRANSACTION = [
  'for_update',
  'for_key_share',
  'wrong_row',
  'savepoint_released',
  'advisory',
] as const

/** @param name unique within a run */
export function planGroup(random: Random, name: string, mix: Mix): GroupPlan {
  const table = random.chance(0.7) ? 'plain' : random.pick(TABLES)
  const rows = [`${name}-a`, `${name}-b`] as const
  const theme = random.chance(0.3) ? random.pick(SHAPES) : undefined
  const sectionGuard = random.chance(0.3) ? random.pick(GUARDS) : undefined
  const count = 2 + random.below(mix.callsMax - 1)
  const calls = Array.from({ length: count }, (_, index) => {
    const shape = theme && random.chance(0.8) ? theme : random.chance(0.6) ? 'plain' : random.pick(SHAPES)
    const call = planCall(random, `${name}-${index}`, shape, table, rows)
    const sectioned =
      sectionGuard && shape === 'plain' && random.chance(0.8) ? withSection(call, sectionGuard) : call
    return random.chance(mix.crashes)
      ? {
          ...sectioned,
          crash: random.pick(CRASHES),
        }
      : sectioned
  })
  return { table, rows, calls }
}

function planCall(
  random: Random,
  key: string,
  shape: Shape,
  table: Table,
  rows: readonly [string, string],
): CallPlan {
  const guard = random.chance(0.4) ? 'naive' : random.pick(GUARDS)
  const isGuarded = shape === 'plain' || shape === 'nested'
  const swapped = random.chance(shape === 'skew' ? 0.5 : 0.15)
  const inTransaction = isTransactional(guard)
  const change = random.chance(0.4) ? 'spread_merge' : random.pick(CHANGES)
  const cutsCommit = inTransaction && shape === 'plain' && random.chance(0.04)
  const bySql =
    cutsCommit || change === 'increment' || guard === 'advisory' || !WITH_ANY_ACCESS.includes(shape)
  return {
    key,
    shape,
    change,
    guard: isGuarded ? guard : 'naive',
    section: false,
    access: bySql ? 'pg' : random.pick(ACCESSES),
    client: random.pick(['fetch', 'proxy'] as const),
    table,
    row: swapped ? rows[1] : rows[0],
    otherRow: swapped ? rows[0] : rows[1],
    updates: planUpdates(random, key),
    sync: random.chance(0.3)
      ? 'none'
      : inTransaction && random.chance(0.3)
        ? 'in_transaction'
        : 'after_commit',
    syncsDeclared: random.chance(0.8),
    answers: [0, 1].map(() => (random.chance(0.6) ? 'ok' : random.pick(ANSWERS))),
    onFailure: random.pick(['throw', 'ignore', 'retry'] as const),
    rollsBack: isGuarded && inTransaction && random.chance(0.1),
    ...(cutsCommit && { cutsCommit: random.pick(['sent', 'unsent'] as const) }),
    pauseMs: random.below(4),
  }
}

/** A section of a guard that has one transaction from the lock on, or none at all. */
function withSection(call: CallPlan, guard: CallPlan['guard']): CallPlan {
  const fits = guard === 'for_update_autocommit' || guard === 'naive' || isTransactional(guard)
  return fits ? { ...call, guard, section: true, access: guard === 'advisory' ? 'pg' : call.access } : call
}

function isTransactional(guard: CallPlan['guard']): boolean {
  return (IN_A_TRANSACTION as readonly string[]).includes(guard)
}

function planUpdates(random: Random, key: string): Record<string, string> {
  const fields = random.chance(0.5) ? ['note'] : random.chance(0.5) ? ['title'] : ['note', 'title']
  return Object.fromEntries(fields.map((field) => [field, `${field} of ${key}`]))
}
