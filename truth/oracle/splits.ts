import { type Account, type Attempt, type Change, type Facts, knowledgeBefore } from './facts.ts'

/** An operation that left the database and the other system split when it ended. */
export interface Split {
  readonly call: string
  readonly how: 'rejected' | 'never-sent' | 'write-rejected'
  /** The row may have got from somebody else, at some time, what the database refused here; or a trigger, or SQL,
   *  would have made something else of it. */
  readonly isOpen: boolean
}

/** Of the operations that declare that they must reach the other system before they end. */
export function splitsOf(facts: Facts): Split[] {
  const changes = Map.groupBy(facts.changes, ({ statement }) => statement?.root ?? '')
  const attempts = Map.groupBy(facts.attempts, ({ root }) => root)
  return [...facts.accounts.values()].flatMap((account) => {
    const own = attempts.get(account.call) ?? []
    const how = splitOf(facts, account, changes.get(account.call) ?? [], own)
    const isOpen =
      how === 'write-rejected' &&
      (account.plan?.table === 'mended' ||
        account.plan?.change === 'increment' ||
        own.some((attempt) => isHeldOnce(facts, account.root, attempt)))
    return how ? [{ call: account.call, how, isOpen }] : []
  })
}

function splitOf(
  facts: Facts,
  { call, root, plan, ended, died }: Account,
  changes: readonly Change[],
  attempts: readonly Attempt[],
): Split['how'] | undefined {
  if (!plan || !ended || died || call !== root) return undefined
  if (!plan.syncsDeclared || ['outbox', 'raw', 'shared_transaction'].includes(plan.shape)) return undefined
  const own = netChange(changes.filter(({ row }) => row === plan.row))
  // an answer that never came leaves it open
  if (attempts.some(({ status }) => status === null)) return undefined
  const last = attempts.at(-1)
  const isCommitted = changes.some(({ row }) => row === plan.row)
  if (own) {
    if (!last) return 'never-sent'
    return attempts.some(({ status }) => status === 200) ? undefined : 'rejected'
  }
  // what it committed changed nothing: both sides hold what they held
  if (isCommitted) return undefined
  const sent = attempts.findLast(({ status }) => status === 200)
  return sent && (plan.rollsBack || plan.cutsCommit) && bringsNews(facts, root, sent)
    ? 'write-rejected'
    : undefined
}

/** Whether the row holds other values after these changes than before, of those that the statements set. */
function netChange(changes: readonly Change[]): boolean {
  const [before, after] = [changes[0]?.old, changes.at(-1)?.new]
  if (!before || !after) return before !== after
  const set = changes.flatMap(({ statement }) => [
    ...Object.keys(statement?.set ?? {}),
    ...(statement?.computed ?? []),
  ])
  return set.some((field) => field !== 'updated_by' && before[field] !== after[field])
}

/** Whether the other system was given a value that the rolled back statement set, and the row never got. */
function bringsNews(facts: Facts, root: string, { fields, record }: Attempt): boolean {
  const lines = facts.linesOf(root)
  return lines.some((line) => {
    if (line.what !== 'writing' || !line.rows.includes(record)) return false
    // a value that SQL computed may be the one that was sent
    if (line.computed.some((field) => field in fields)) return true
    const { base } = knowledgeBefore(lines, line, record, () => undefined)
    return Object.entries(line.set).some(
      ([field, value]) => fields[field] === value && base?.[field] !== value,
    )
  })
}

/** Whether some version of the row has a value that the rolled back statement set. */
function isHeldOnce(facts: Facts, root: string, { record }: Attempt): boolean {
  const set = facts
    .linesOf(root)
    .flatMap((line) =>
      line.what === 'writing' && line.rows.includes(record) ? Object.entries(line.set) : [],
    )
  const versions = facts.changes.filter(({ row }) => row === record)
  return set.some(
    ([field, value]) => field !== 'updated_by' && versions.some((version) => version.new?.[field] === value),
  )
}
