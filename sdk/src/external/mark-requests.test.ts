import type { Outcome } from '@syncproof/core/contract'
import { expect, it } from 'vitest'
import { MarkRequests } from './mark-requests.ts'

/** `PUT ok`: a request and its outcome; `PUT` alone has no answer yet. */
function requests(...texts: readonly string[]): MarkRequests {
  const seen = texts.map((text) => {
    const [target = '', outcome] = text.split(' ')
    return { target, answer: outcome === undefined ? undefined : { outcome: outcome as Outcome } }
  })
  return new MarkRequests(seen)
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
  expect(requests(...texts).answer(own).outcome).toBe(outcome)
})

it('what the app declares of an error holds, but not over an earlier try without an answer', () => {
  const own = { outcome: 'rejected' as const, resolved: false, isDeclared: true }
  expect(requests('PUT unknown').answer(own).outcome).toBe('rejected')
  expect(requests('PUT unknown', 'PUT unknown').answer(own).outcome).toBe('unknown')
})
