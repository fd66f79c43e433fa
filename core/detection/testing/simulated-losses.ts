import type { Operation, PastWrite } from './simulated-operation.ts'
import type { RowState, World } from './simulated-world.ts'
import type { Statement } from './simulated-write.ts'

type Values = RowState['values'] | undefined

/** What a committed write did to a state that its operation had not seen: the definitions, by identity and by value. */
export function recordForeign(
  world: World,
  { section }: Operation,
  statement: Statement,
  { id = '', overwritten, made }: PastWrite,
  known: Values,
): void {
  if (!made) return
  const { lostUpdates, conflicts, voidWrites, unobserved } = world.truth
  const lost = lostFields(statement, known, overwritten.values, made.values)
  if (lost.length > 0) lostUpdates.set(id, lost)
  else if (dependsOnTheRow(statement)) conflicts.set(id, changedFields(known, overwritten.values))
  if (section?.base_read_inside) voidWrites.add(id)
  if (world.unreported.has(overwritten)) unobserved.add(overwritten.token)
}

function lostFields(statement: Statement, base: Values, overwritten: Values, made: Values): string[] {
  return Object.entries(statement.assigned)
    .filter(([field, assignment]) => {
      const [was, there, now] = [base?.[field], overwritten?.[field], made?.[field]]
      if (was === undefined || there === was) return false
      return assignment === 'counter' || (assignment === 'value' && (now === was || now !== there))
    })
    .map(([field]) => field)
    .sort()
}

function dependsOnTheRow({ assigned }: Statement): boolean {
  return Object.values(assigned).some((how) => how !== 'expression' && how !== 'last_write_wins')
}

function changedFields(before: Values, after: Values): string[] {
  return Object.keys(after ?? {})
    .filter((field) => before?.[field] !== undefined && before[field] !== after?.[field])
    .sort()
}
