import type { Outcome } from '@syncproof/core/contract'
import { expect, it } from 'vitest'
import { answerOf, type ObservedRequest } from './report-sync.ts'

/** `PUT ok`: a request and its outcome; `PUT` alone has no answer yet. */
function requests(...texts: readonly string[]): ObservedRequest[] {
  return texts.map((text) => {
    const [target = '', outcome] = text.split(' ')
    return { target, answer: outcome === undefined ? undefined : { outcome: outcome as Outcome } }
  })
}

it.each<[string, readonly string[], 'resolved' | 'thrown', Outcome]>([
  ['one that was applied, whatever its reply was then', ['PUT ok'], 'thrown', 'ok'],
  ['one that was refused, though nobody threw', ['PUT rejected'], 'resolved', 'rejected'],
  ['a retry that was applied', ['PUT unknown', 'PUT ok'], 'resolved', 'ok'],
  ['a retry that was refused', ['PUT unknown', 'PUT rejected'], 'thrown', 'unknown'],
  ['refused, then made in another way', ['PUT rejected', 'POST ok'], 'resolved', 'ok'],
  ['one part applied, the other refused', ['POST ok', 'PUT rejected'], 'thrown', 'unknown'],
  ['one part applied, the other without an answer', ['POST ok', 'PUT'], 'resolved', 'unknown'],
  ['all refused', ['POST rejected', 'PUT rejected'], 'thrown', 'rejected'],
])('the requests inside a mark: %s', (_, texts, end, outcome) => {
  const own = { outcome: 'unknown' as const, resolved: end === 'resolved', isDeclared: false }
  expect(answerOf(requests(...texts), own).outcome).toBe(outcome)
})

it('what the app declares of an error holds, but not over an earlier try without an answer', () => {
  const own = { outcome: 'rejected' as const, resolved: false, isDeclared: true }
  expect(answerOf(requests('PUT unknown'), own).outcome).toBe('rejected')
  expect(answerOf(requests('PUT unknown', 'PUT unknown'), own).outcome).toBe('unknown')
  expect(answerOf([], own).outcome).toBe('rejected')
})
