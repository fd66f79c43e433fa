import type { Operation, PastWrite } from './simulated-operation.ts'

/** The systems that were due when the operation ended and that it left split from the database: by values, and by what
 *  the external system really did. Where anything is unknown or under way, nobody may say. */
export function splitSystems(operation: Operation): readonly string[] {
  if (operation.inFlight > 0) return []
  const byOutbox = operation.syncs.filter((sync) => sync.async === true).map(({ system }) => system)
  return operation.syncs
    .map(({ system }) => system)
    .filter((system) => {
      return !byOutbox.includes(system) && isSplit(operation, system)
    })
}

function isSplit(operation: Operation, system: string): boolean {
  const { carriedByRejected } = operation
  // a called operation that must reach the system itself answers for what it wrote
  const writes = operation.writes.filter(
    ({ by }) => by === operation || !by.syncs.some((sync) => sync.system === system),
  )
  const attempts = operation.attempts.filter((attempt) => attempt.system === system)
  if (operation.wroteInBulk || [...writes, ...attempts].some(({ outcome }) => outcome === 'unknown'))
    return false
  const applied = writes.filter(({ outcome }) => outcome === 'ok')
  const [first] = applied
  const last = applied.at(-1)
  if (!first || !last) return carriedByRejected && attempts.at(-1)?.outcome === 'ok'
  if (attempts.some(({ outcome }) => outcome === 'ok')) return false
  // refused is refused: whether the row held as much before, its own events do not say
  if (!applied.every(tellsBefore)) return true
  const fields = new Set(applied.flatMap((write) => write.fields))
  if (fields.size > 1) fields.delete('t')
  return [...fields].some((field) => first.overwritten.values[field] !== last.after[field])
}

/** Its own writes overlapped, and another writer came between: no event tells which was the last. Or one of them does
 *  not say what was there before. */
export function isBeyondEvents({ writes }: Operation): boolean {
  const applied = writes.filter(({ outcome }) => outcome === 'ok')
  if (!applied.every(tellsBefore)) return true
  return applied.some((write, index) =>
    applied.slice(index + 1).some((next, distance) => {
      const linked = distance === 0 && next.overwritten === write.made
      return next.sentTick < write.answeredTick && !linked
    }),
  )
}

/** It says what it replaced, and that was not made by its own transaction. */
function tellsBefore({ isBlind, isOwnChange }: PastWrite): boolean {
  return !isBlind && !isOwnChange
}
