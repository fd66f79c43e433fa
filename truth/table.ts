import type { Kind } from './oracle/truth.ts'
import { KINDS } from './score.ts'
import type { Results } from './suite.ts'

const NAMES: Readonly<Record<Kind, string>> = {
  lost: 'lost-update',
  conflicts: 'write-conflict',
  splits: 'partial-write',
  voidByForeign: 'lock-void, foreign version',
  voidByNothing: 'lock-void, holds nothing',
  overlaps: 'lock-void, overlap',
  skews: 'write-skew',
  reorders: 'reordered-sync',
  orphans: 'orphaned-operation',
  unobserved: 'unobserved-write',
  duplicates: 'duplicate-create',
  others: 'others',
  unverified: 'not verified by its witness',
}

/** The results as a table for people, one block for each thing that befell the events. */
export function tableOf({ operations, rounds, events, scores, retractions, classes }: Results): string {
  const lines = [`${number(operations)} operations in ${number(rounds)} rounds, ${number(events)} events`]
  for (const [name, { byKind }] of scores) {
    lines.push('', `${name.padEnd(28)} happened      found     recall      false`)
    for (const kind of KINDS) {
      const { happened, found, false: wrong } = byKind.get(kind) ?? { happened: 0, found: 0, false: 0 }
      const recall = happened > 0 ? (found / happened).toFixed(4) : '-'
      lines.push(
        `  ${NAMES[kind].padEnd(26)} ${[number(happened), number(found), recall, number(wrong)].map((text) => text.padStart(8)).join('   ')}`,
      )
    }
  }
  for (const [kind, { missed }] of scores.get('all there')?.byKind ?? [])
    if (missed.length > 0)
      lines.push('', `missed although all was there, of ${NAMES[kind]}: ${missed.join(' | ')}`)
  lines.push(
    '',
    `proven findings that were taken back: ${number(retractions)}`,
    '',
    'calls, by what they are:',
  )
  for (const [name, count] of [...classes].sort(([a], [b]) => (a < b ? -1 : 1)))
    lines.push(`  ${name.padEnd(40)} ${number(count).padStart(9)}`)
  return lines.join('\n')
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}
