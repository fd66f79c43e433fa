import type { CallPlan } from '../plan/call.ts'
import type { DiaryLine, Held, Sending, Writing } from '../program/diary.ts'
import type { HistoryRow } from '../world/database.ts'
import type { Values } from '../world/row.ts'
import type { Round } from '../world/stage.ts'

/** A version of a row that came, changed or went, and the statement that did it. */
export interface Change extends HistoryRow {
  readonly statement: Writing | undefined
}

/** What one operation of the app did, by its own account. */
export interface Account {
  readonly call: string
  readonly root: string
  /** Of the call that was planned; undefined for none. */
  readonly plan: CallPlan | undefined
  readonly ended: boolean
  /** Its process was killed while it was under way. */
  readonly died: boolean
}

export interface Attempt extends Sending {
  readonly status: number | null | undefined
  /** When the other system applied it. */
  readonly applied: number | undefined
}

/** A round's facts, put together from those who do not know Syncproof: the database's history, the other system's
 *  log, the diaries of the programs. */
export class Facts {
  readonly changes: readonly Change[]
  readonly accounts: ReadonlyMap<string, Account>
  readonly attempts: readonly Attempt[]
  readonly held: readonly Held[]
  /** Lines of all operations under one root, in order. */
  readonly #linesOf: ReadonlyMap<string, readonly DiaryLine[]>
  readonly #statements: ReadonlyMap<string, Writing>

  constructor({ plans, history, requests, diaries }: Round) {
    const lines = diaries.flat().filter((line): line is DiaryLine => line.what !== 'died')
    this.#statements = new Map(
      lines.flatMap((line) => (line.what === 'writing' ? [[line.statement, line]] : [])),
    )
    const roots = new Map<string, DiaryLine[]>()
    for (const line of lines) {
      const root = rootOf(line, this.#statements)
      if (root === undefined) continue
      const known = roots.get(root)
      if (known) known.push(line)
      else roots.set(root, [line])
    }
    this.#linesOf = roots
    const written = history.map((row) => this.#statements.get(String(row.new?.updated_by)))
    // nothing in a row that went says who deleted it; the same transaction always makes another one
    const writers = new Map(history.map(({ transaction }, place) => [transaction, written[place]]))
    this.changes = history.map((row, place) => ({
      ...row,
      statement:
        written[place] ?? (row.new ? undefined : deletion(writers.get(row.transaction), row.row, lines)),
    }))
    this.accounts = accountsOf(diaries, plans)
    const statuses = new Map(
      lines.flatMap((line) => (line.what === 'answered' ? [[line.request, line.status]] : [])),
    )
    const applied = new Map(requests.map((entry) => [entry.request, entry.applied]))
    this.attempts = lines
      .filter((line) => line.what === 'sending')
      .map((line) => ({ ...line, status: statuses.get(line.request), applied: applied.get(line.request) }))
    this.held = sectionsIn(lines)
  }

  /** Who made a version; undefined for the rows that were there at first. */
  writerOf(version: string): Writing | undefined {
    return this.#statements.get(version)
  }

  linesOf(root: string): readonly DiaryLine[] {
    return this.#linesOf.get(root) ?? []
  }
}

/** With those in which their process died: they may have been held ever after, and surely only as they began. */
function sectionsIn(lines: readonly DiaryLine[]): readonly Held[] {
  const held = lines.filter((line) => line.what === 'held')
  const ended = new Set(held.map(({ call, outerNs }) => `${call} ${outerNs[0]}`))
  const broken = lines
    .filter((line) => line.what === 'entered')
    .filter(({ call, outerNs }) => !ended.has(`${call} ${outerNs}`))
    .map(({ outerNs, innerNs, ...section }) => ({
      ...section,
      what: 'held' as const,
      outerNs: [outerNs, String(Number.MAX_SAFE_INTEGER)] as const,
      innerNs: [innerNs, innerNs] as const,
    }))
  return [...held, ...broken]
}

/** The statement by which this writer deleted the row. */
function deletion(
  writer: Writing | undefined,
  row: string,
  lines: readonly DiaryLine[],
): Writing | undefined {
  return lines.find(
    (line): line is Writing =>
      line.what === 'writing' &&
      line.action === 'delete' &&
      line.call === writer?.call &&
      line.rows.includes(row),
  )
}

function rootOf(line: DiaryLine, statements: ReadonlyMap<string, Writing>): string | undefined {
  if ('root' in line) return line.root
  return line.what === 'wrote' ? statements.get(line.statement)?.root : undefined
}

function accountsOf(
  diaries: Round['diaries'],
  plans: ReadonlyMap<string, CallPlan>,
): ReadonlyMap<string, Account> {
  const accounts = new Map<string, Account>()
  for (const diary of diaries) {
    // of this diary alone: others run on
    const open = new Map<string, Account>()
    for (const line of diary) {
      if (line.what === 'began') {
        const { call, root } = line
        open.set(call, { call, root, plan: plans.get(call), ended: false, died: false })
      }
      const ended = line.what === 'ended' ? open.get(line.call) : undefined
      if (ended) {
        accounts.set(ended.call, { ...ended, ended: true })
        open.delete(ended.call)
      }
      if (line.what !== 'died') continue
      for (const account of open.values()) accounts.set(account.call, { ...account, died: true })
      open.clear()
    }
    for (const account of open.values()) accounts.set(account.call, account)
  }
  return accounts
}

/** What a root knew of a row just before one of its statements. */
export interface Knowledge {
  /** Versions that it had read or made. */
  readonly versions: ReadonlySet<string>
  /** The fields as it last knew them; undefined where it had never seen the row. */
  readonly base: Values | undefined
}

/** @param made what a statement left of the row, as the database has it */
export function knowledgeBefore(
  lines: readonly DiaryLine[],
  { statement, root }: Writing,
  row: string,
  made: (statement: string) => Values | undefined,
): Knowledge {
  const end = lines.findIndex((line) => line.what === 'writing' && line.statement === statement)
  const before = lines.slice(0, end)
  const undone = new Set(before.flatMap((line) => (line.what === 'undone' ? line.statements : [])))
  const rows = new Map(
    before.flatMap((line) => (line.what === 'wrote' ? [[line.statement, line.rows ?? 0]] : [])),
  )
  const versions = new Set<string>()
  let base: Values | undefined
  for (const line of before) {
    if (line.what === 'read' && line.row === row && line.root === root && line.values) {
      versions.add(String(line.values.updated_by))
      base = line.values
    }
    if (line.what === 'writing' && line.rows.includes(row) && (rows.get(line.statement) ?? 0) > 0) {
      versions.add(line.statement)
      if (!undone.has(line.statement)) base = made(line.statement) ?? { ...base, ...line.set }
    }
  }
  return { versions, base }
}
