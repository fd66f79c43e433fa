import type { TransactionAnswers } from '@syncproof/core/comparison'
import { type Finding, parseToken } from '@syncproof/core/contract'
import { limits } from '../limits.ts'

/** What a database must be asked to settle one unknown commit. */
export interface CommitQuestion {
  readonly finding: Finding
  /** As version tokens name it. */
  readonly database: string
  /** The 32 bits of each transaction id that it wrote with, its own and those of savepoints. */
  readonly ids: readonly string[]
  /** Whole ids by their 32 bits, from an earlier time when they were surely known. */
  readonly known: Readonly<Record<string, unknown>>
  /** On the collector's clock it got its ids after this; milliseconds since 1970, NaN where nobody knows. */
  readonly sentAfterMs: number
}

/** What the answers of one database make of a question.
 *
 *  `committed`, `aborted`: settled. `open`: the transaction has not ended, or its id was not given out yet; `ids` are
 *  its whole ids. `unanswered`: this database cannot say. `elsewhere`: it is another database. */
export type CommitFate =
  | { readonly is: 'committed' | 'aborted' }
  | { readonly is: 'elsewhere' }
  | { readonly is: 'open'; readonly reason: string; readonly ids: Readonly<Record<string, string>> }
  | { readonly is: 'unanswered'; readonly reason: string }

/** Undefined where the finding is about a sync. A reason where no database can be asked. */
export function commitQuestion(finding: Finding): CommitQuestion | { readonly reason: string } | undefined {
  const { what, sent_after, transactions } = finding.details
  if (what !== 'commit' && what !== 'write') return undefined
  const tokens = finding.witness.events.flatMap((event) =>
    event.kind === 'write' ? (parseToken(event.version ?? '') ?? []) : [],
  )
  const [first] = tokens
  const isAskable = tokens.every(
    ({ kind, database, value }) =>
      kind === 'xmin' && database === first?.database && /^\d{1,10}$/.test(value) && Number(value) < 2 ** 32,
  )
  if (!first || !isAskable) return { reason: NO_ID }
  if (first.database.startsWith('catalogue-')) return { reason: UNNAMED_BY_APP }
  return {
    finding,
    database: first.database,
    ids: [...new Set(tokens.map(({ value }) => value))],
    known: typeof transactions === 'object' && transactions !== null ? { ...transactions } : {},
    sentAfterMs: typeof sent_after === 'string' ? Date.parse(sent_after) : Number.NaN,
  }
}

/** A rolled back id settles it also where ids may have been given out twice: then the transaction in question is lost,
 *  and was not applied either. */
export function commitFate(question: CommitQuestion, answers: TransactionAnswers): CommitFate {
  if (answers.database === undefined) return { is: 'unanswered', reason: UNNAMED_BY_PAIR }
  if (answers.database !== question.database) return { is: 'elsewhere' }
  if (!answers.isPrimary) return { is: 'unanswered', reason: STANDBY }
  const fates = question.ids.map((id) => ({ asked: id, ...answers.fates.get(id) }))
  const isRecent = isWithinHorizon(question, answers)
  const isTheOne = fates.every(
    ({ asked, id }) => isRecent || (id !== undefined && question.known[asked] === id),
  )
  if (!isTheOne) return { is: 'unanswered', reason: TOO_OLD }
  const statuses = new Set(fates.map(({ status }) => status))
  if (statuses.has('forgotten') || statuses.has(undefined)) return { is: 'unanswered', reason: FORGOTTEN }
  if (statuses.has('in progress') || statuses.has('unassigned')) {
    const ids = Object.fromEntries(fates.map(({ asked, id = '' }) => [asked, id]))
    return { is: 'open', reason: IN_PROGRESS, ids }
  }
  if (statuses.size > 1) return { is: 'unanswered', reason: IN_PARTS }
  if (statuses.has('aborted')) return { is: 'aborted' }
  const unbrokenMs = Date.parse(answers.unbrokenSince ?? '')
  return unbrokenMs + limits.clockMarginMs <= question.sentAfterMs
    ? { is: 'committed' }
    : { is: 'unanswered', reason: BROKEN }
}

/** So recent that the nearest id with these 32 bits is the right one. */
function isWithinHorizon({ sentAfterMs }: CommitQuestion, { now }: TransactionAnswers): boolean {
  const ageMs = Date.parse(now) - sentAfterMs
  return ageMs <= limits.transactionIdHorizonMs && ageMs >= -limits.clockMarginMs
}

/** Whether a read of both systems at this time can settle an unknown outcome. A transaction that may still be open can
 *  commit after it, so the database is asked first, and what it cannot say is left to reads. */
export function isLeftToReads({ details }: Finding, readMs: number): boolean {
  return (
    details.what === 'sync' ||
    (details.database === 'silent' && Date.parse(String(details.asked_at)) <= readMs)
  )
}

const GRANT = 'Run: grant execute on function pg_catalog.pg_control_system() to'
const NO_ID = 'No event names the id that the database gave its transaction.'
const UNNAMED_BY_APP = `The app's role may not ask which database it writes to. ${GRANT} that role.`
const UNNAMED_BY_PAIR = `The role of the pair may not ask which database it reads. ${GRANT} that role.`
const STANDBY = 'The source of the pair is a standby, which does not know of what has not reached it.'
const TOO_OLD =
  'Too much time has passed since it was sent, or nobody knows how much: its id may be that of another transaction by now.'
const FORGOTTEN = 'The database no longer knows what became of its transaction.'
const IN_PROGRESS = 'Its transaction has not ended. The database is asked again.'
const IN_PARTS = 'A part of what it wrote was committed, and a part was rolled back.'
const BROKEN =
  'A transaction of its id was committed, but it may be another one: the server was started, recovered or promoted since, or around that time, or its role may not say. Run: grant pg_read_all_stats to the role of the pair.'

/** Where no pair reads the database that was written to. */
export const NO_PAIR = 'The database that it was written to is the source of no pair.'
