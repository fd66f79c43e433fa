import type { Values } from '../world/row.ts'
import type { Attempt, Change, Facts } from './facts.ts'

/** Two requests for one record that were both acknowledged, and the older version was applied last. */
export interface Reorder {
  /** `older newer`, by the calls whose change they carry. */
  readonly pair: string
  /** Versions of the row from the older one to the newer one; infinite where none leads to the other. */
  readonly steps: number
  /** The older one was sent once: one that is sent again may be acknowledged without being applied again. */
  readonly isFirst: boolean
}

export function reordersOf(facts: Facts): Reorder[] {
  const changes = Map.groupBy(facts.changes, ({ row }) => row)
  const acknowledged = facts.attempts.filter(({ status, created }) => status === 200 && !created)
  return [...Map.groupBy(acknowledged, ({ record }) => record)].flatMap(([record, attempts]) => {
    const history = changes.get(record) ?? []
    const carried = attempts.flatMap((attempt) => {
      const place = placeOf(attempt, history)
      const made = history.flatMap((change) =>
        change.statement?.root === attempt.carries && change.new ? [change.new] : [],
      )
      return place === undefined ? [] : [{ attempt, place, made }]
    })
    return carried.flatMap((newer) =>
      carried
        .filter(
          (older) => older.place < newer.place && (older.attempt.applied ?? 0) > (newer.attempt.applied ?? 0),
        )
        .filter((older) => differ(older, newer))
        .map((older) => ({
          pair: `${older.attempt.carries} ${newer.attempt.carries}`,
          // over a deletion, or a version that nobody reports, no chain of versions leads
          isFirst: older.attempt.request.endsWith('#0'),
          steps: isUnbroken(facts, history, older.place, newer.place)
            ? newer.place - older.place
            : Number.POSITIVE_INFINITY,
        })),
    )
  })
}

/** Of the version that the attempt carries, among those of the row. */
function placeOf({ carries }: Attempt, history: readonly Change[]): number | undefined {
  const place = history.findLastIndex(({ statement }) => statement?.root === carries)
  return place === -1 ? undefined : place
}

function isUnbroken(facts: Facts, history: readonly Change[], from: number, to: number): boolean {
  return history.slice(from + 1, to + 1).every((change) => {
    const writer = facts.accounts.get(change.statement?.call ?? '')
    // before PostgreSQL 18 an upsert does not say what it replaced
    const isTold = writer?.plan?.shape !== 'raw' && writer?.plan?.shape !== 'upsert'
    return change.old && change.new && isTold
  })
}

interface Carried {
  readonly attempt: Attempt
  /** Versions of the row that it may be: what the statement made, and what a trigger made of that. */
  readonly made: readonly Values[]
}

/** Whether a field differs that both took from their versions of the row. */
function differ(older: Carried, newer: Carried): boolean {
  const isOfRow = ({ attempt, made }: Carried, field: string) =>
    made.some((values) => values[field] === attempt.fields[field])
  return Object.keys(older.attempt.fields).some(
    (field) =>
      field in newer.attempt.fields &&
      older.attempt.fields[field] !== newer.attempt.fields[field] &&
      isOfRow(older, field) &&
      isOfRow(newer, field),
  )
}
