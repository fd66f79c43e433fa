import { type DetectedFinding, findingId, isToken } from '../../contract/index.ts'
import { actorOf, causeOf, entityText } from '../cause.ts'
import { committedOf, eventsOf, type StoredOf, sameEntity } from '../events.ts'
import type { Detector } from '../history.ts'
import { skewReads } from '../links.ts'
import { inDifferentTransactions, isApart, type Run, runOf, runsOf } from '../runs.ts'

/** Two operations each read a row that the other one replaced, and each wrote another row: neither saw the other, and no
 *  order of the two could have read what both read. Rests on each having read nothing newer, so both must be whole.
 *  Primary: the two writes. */
export const writeSkew: Detector = {
  id: 'write-skew',
  title: 'Two operations each decided on a row that the other one changed',
  needs: ['write'],
  reads: [
    'operation_started.root_operation_id',
    'read.version',
    'read.transaction',
    'read.entity',
    'read.system',
    'write.entity',
    'write.system',
    'write.outcome',
    'write.transaction',
    'write.overwritten_version',
    'write.version',
  ],
  heeds: [
    'operation_started.parent_operation_id',
    'operation_finished.calls',
    'operation_finished.in_flight',
    'write.rows_over_limit',
    'read.found',
  ],
  detect(history) {
    if (!history.neighbours || history.neighbours.length === 0) return []
    const run = runOf(history)
    const own = run && halfOf(run)
    if (!own) return []
    return runsOf(history)
      .slice(1)
      .flatMap((other) => {
        const theirs = isApart(own.run, other) ? halfOf(other) : undefined
        return theirs ? skewsOf(own, theirs) : []
      })
  },
}

interface Half {
  readonly run: Run
  readonly reads: readonly StoredOf<'read'>[]
  readonly writes: readonly StoredOf<'write'>[]
}

/** What an operation read of other rows and what it wrote; undefined where it may have seen more than is here. */
function halfOf(run: Run): Half | undefined {
  const [finished] = eventsOf(run.events, 'operation_finished')
  const alone = run.started.parent_operation_id === undefined && (finished?.calls ?? 0) === 0
  if (!run.complete || !finished || !alone || (finished.in_flight ?? 0) > 0) return undefined
  const writes = committedOf(run.events)
  const reads = skewReads(run.events, writes)
  return reads.length === 0 ? undefined : { run, reads, writes }
}

function skewsOf(a: Half, b: Half): readonly DetectedFinding[] {
  return a.writes.flatMap((mine) =>
    b.writes.flatMap((theirs) => {
      if (!inDifferentTransactions(mine.transaction, theirs.transaction)) return []
      const myRead = readBefore(a, mine, theirs)
      const theirRead = readBefore(b, theirs, mine)
      return myRead && theirRead ? [finding(a, [myRead, mine], b, [theirRead, theirs])] : []
    }),
  )
}

/** The read, before its own write, of the version that the other one's write replaced; undefined where any of its reads
 *  of that row, also one that is no candidate itself, saw another version or does not say which: it may be what the
 *  other one made, or something newer. */
function readBefore(
  { run, reads }: Half,
  own: StoredOf<'write'>,
  others: StoredOf<'write'>,
): StoredOf<'read'> | undefined {
  const { overwritten_version: replaced } = others
  // without the name of what it made, nobody knows whether that was read
  if (others.version === undefined || replaced === undefined || !isToken(replaced)) return undefined
  const isOfRow = (read: StoredOf<'read'>) =>
    read.system === others.system && sameEntity(read.entity, others.entity)
  const sawOthers = eventsOf(run.events, 'read').some((read) => isOfRow(read) && read.version !== replaced)
  if (sawOthers || others.version === replaced) return undefined
  return reads.find((read) => isOfRow(read) && read.monotonic_us <= own.monotonic_us)
}

type Decision = readonly [read: StoredOf<'read'>, write: StoredOf<'write'>]

function finding(a: Half, mine: Decision, b: Half, theirs: Decision): DetectedFinding {
  // the same from both sides
  const [first, second] = mine[1].id < theirs[1].id ? [a, b] : [b, a]
  const [early, late] = mine[1].id < theirs[1].id ? [mine, theirs] : [theirs, mine]
  const cause = causeOf(second.run)
  const ends = [first, second].flatMap(({ run }) => eventsOf(run.events, 'operation_finished'))
  return {
    id: findingId('write-skew', JSON.stringify([early[1].id, late[1].id])),
    kind: 'write-skew',
    verdict: 'proven',
    severity: 'medium',
    entity: late[1].entity,
    fields: [],
    summary: `${actorOf(cause)} wrote ${entityText(late[1].entity)} by what it had read of ${entityText(early[1].entity)}, while another call did the reverse`,
    cause,
    witness: { events: [first.run.started, ...early, second.run.started, ...late, ...ends] },
    occurred_at: late[1].at,
    details: { system: late[1].system, other_entity: early[1].entity },
  }
}
