import type {
  Digest,
  DigestGroup,
  DigestGroups,
  DigestView,
  KeyRange,
  SourceRecord,
} from '@syncproof/core/comparison'
import {
  type Hashed,
  selectGroups,
  selectRange,
  selectRanges,
  selectRecords,
  selectRecordsOf,
} from './digest-statements.ts'
import type { Snapshot } from './snapshot.ts'
import { inRange, type RowShape, rowReader, selectByKeys } from './statements.ts'

/** Connections that hash at once, on one shared snapshot. */
const DIGEST_LANES = 2
/** Well before a snapshot is ended from outside, so that no statement of ours meets its end. */
const RENEWED_AFTER_MS = 45_000

export interface ViewOptions {
  readonly hashed: Hashed
  readonly timestampZone: string | undefined
  readonly shape: RowShape
  /** @param shared of another snapshot, to see the same state */
  begin(shared?: string): Promise<Snapshot>
  /** What a driver's error stands for. */
  errorOf(error: unknown): unknown
}

/** Each lane has a connection of its own; all of them see one state, exported by the first that was opened. After a while
 *  they see a newer one, one lane after the other: the other side lives on too, so nothing is lost by that. */
export class PostgresDigestView implements DigestView {
  readonly lanes = DIGEST_LANES
  readonly #options: ViewOptions
  readonly #idle: Lane[]
  readonly #waiting: ((lane: Lane) => void)[] = []
  readonly #open = new Set<Snapshot>()
  #state: State | undefined
  #closed = false

  constructor(options: ViewOptions) {
    this.#options = options
    this.#idle = Array.from({ length: DIGEST_LANES }, () => ({ held: undefined }))
  }

  groups(range: KeyRange, groupRecords: number, groupsMax: number): Promise<DigestGroups> {
    const { hashed } = this.#options
    const { sql, values } = selectGroups(hashed, range, groupRecords, groupsMax)
    return this.#ask(async (snapshot) => {
      const rows = await snapshot.query(sql, values)
      const starts = rows.map((row) => String(row.first_key))
      const next = starts.length > groupsMax ? starts.pop() : undefined
      const groups: DigestGroup[] = []
      for (const [at, from] of starts.entries()) {
        const isLast = next === undefined && at === starts.length - 1
        const digest = isLast
          ? await digestOfRange(snapshot, hashed, { ...range, from })
          : digestOf(rows[at] ?? fail())
        groups.push({ from, ...digest })
      }
      return { groups, next }
    })
  }

  ranges(ranges: readonly KeyRange[]): Promise<readonly Omit<DigestGroup, 'from'>[]> {
    const { hashed } = this.#options
    return this.#ask(async (snapshot) => {
      const bounded = boundsOf(ranges)
      const inner =
        bounded.lower.length === 0
          ? []
          : await snapshot.query(selectRanges(hashed), [bounded.lower, bounded.upper])
      const answers = inner.map(digestOf).values()
      const all: Omit<DigestGroup, 'from'>[] = []
      for (const range of ranges) {
        all.push(
          isBounded(range) ? (answers.next().value ?? fail()) : await digestOfRange(snapshot, hashed, range),
        )
      }
      return all
    })
  }

  records(
    ranges: readonly KeyRange[],
  ): Promise<readonly { readonly key: string; readonly digest: Digest }[]> {
    const { hashed } = this.#options
    return this.#ask(async (snapshot) => {
      const bounded = boundsOf(ranges)
      const rows =
        bounded.lower.length === 0
          ? []
          : await snapshot.query(selectRecordsOf(hashed), [bounded.lower, bounded.upper])
      for (const range of ranges.filter((one) => !isBounded(one))) {
        const { sql, values } = selectRecords(hashed, range)
        rows.push(...(await snapshot.query(sql, values)))
      }
      return rows.map((row) => ({ key: String(row.key), digest: textOf(row.digest) }))
    })
  }

  read(keys: readonly string[]): Promise<readonly SourceRecord[]> {
    const { table } = this.#options.hashed
    const wanted = new Set(keys)
    const read = rowReader(table, this.#options.shape)
    return this.#ask(async (snapshot) => {
      const rows = await snapshot.query(selectByKeys(table, this.#options.timestampZone), [keys])
      return rows.map((row) => read(row, snapshot.startedAt)).filter(({ key }) => wanted.has(key))
    })
  }

  boundaries(range: KeyRange, parts: number, recordsMin: number): Promise<readonly string[]> {
    const { table, index } = this.#options.hashed
    const key = index.column
    return this.#ask(async (snapshot) => {
      const values: unknown[] = []
      const conditions = inRange(key, range, index, (value) => `$${values.push(value)}::text`)
      const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`
      const [row] = await snapshot.query(
        `select count(*)::text as records from ${table.sqlName} ${where}`,
        values,
      )
      const part = Math.ceil(Number(row?.records) / parts)
      if (part < recordsMin) return []
      const keys: string[] = []
      for (let at = part; at < Number(row?.records); at += part) {
        const [found] = await snapshot.query(
          `select ${key}::text as key from ${table.sqlName} ${where} order by ${key} offset ${at} limit 1`,
          values,
        )
        if (found) keys.push(String(found.key))
      }
      return keys
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#open].map((snapshot) => snapshot.end()))
  }

  async #ask<T>(read: (snapshot: Snapshot) => Promise<T>): Promise<T> {
    const lane = this.#idle.pop() ?? (await new Promise<Lane>((resolve) => this.#waiting.push(resolve)))
    try {
      return await read(await this.#snapshotOf(lane))
    } catch (error) {
      throw this.#options.errorOf(error)
    } finally {
      const next = this.#waiting.shift()
      if (next) next(lane)
      else this.#idle.push(lane)
    }
  }

  async #snapshotOf(lane: Lane): Promise<Snapshot> {
    if (this.#closed) throw new Error('The view is closed.')
    if (this.#state === undefined || performance.now() - this.#state.sinceMs > RENEWED_AFTER_MS) {
      this.#state = { sinceMs: performance.now(), shared: undefined }
    }
    const state = this.#state
    if (lane.held?.state === state && !lane.held.snapshot.ended) return lane.held.snapshot
    await this.#end(lane)
    const snapshot = await this.#begin(state)
    this.#open.add(snapshot)
    lane.held = { state, snapshot }
    return snapshot
  }

  /** The first lane of a state makes it, and the others join. */
  async #begin(state: State): Promise<Snapshot> {
    if (state.shared !== undefined) return this.#options.begin(await state.shared)
    const made = this.#options.begin()
    state.shared = made.then((snapshot) => snapshot.share())
    // a lane that joins hears of it too
    state.shared.catch(() => {})
    return made
  }

  async #end(lane: Lane): Promise<void> {
    if (lane.held === undefined) return
    this.#open.delete(lane.held.snapshot)
    await lane.held.snapshot.end()
    lane.held = undefined
  }
}

/** What lanes that were opened within some time see. */
interface State {
  readonly sinceMs: number
  /** Its name, when the first lane has it. */
  shared: Promise<string> | undefined
}

interface Lane {
  held: { readonly state: State; readonly snapshot: Snapshot } | undefined
}

function isBounded(range: KeyRange): range is KeyRange & { readonly from: string; readonly to: string } {
  return range.from !== null && range.to !== null
}

function boundsOf(ranges: readonly KeyRange[]) {
  const bounded = ranges.filter(isBounded)
  return { lower: bounded.map(({ from }) => from), upper: bounded.map(({ to }) => to) }
}

async function digestOfRange(snapshot: Snapshot, hashed: Hashed, range: KeyRange) {
  const { sql, values } = selectRange(hashed, range)
  const [row] = await snapshot.query(sql, values)
  return digestOf(row ?? {})
}

function digestOf(row: Record<string, unknown>) {
  return { records: Number(row.records), digest: textOf(row.digest) }
}

function textOf(value: unknown): Digest {
  return typeof value === 'string' ? value : undefined
}

function fail(): never {
  throw new Error('The database answered for fewer ranges than it was asked for.')
}
