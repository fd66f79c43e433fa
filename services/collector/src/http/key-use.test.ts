import { expect, test } from 'vitest'
import { collectorLimits } from '../limits.ts'
import { noteKeyUse } from './key-use.ts'

function counting() {
  const written: (readonly string[])[] = []
  const clock = { ms: 0 }
  let answer = Promise.resolve()
  const use = noteKeyUse(
    {
      used(ids) {
        written.push(ids)
        return answer
      },
    },
    () => clock.ms,
  )
  return {
    written,
    clock,
    use,
    answerWith(next: Promise<void>) {
      answer = next
    },
  }
}

test('a key that is used without end is written once a minute', async () => {
  const { written, clock, use } = counting()
  for (; clock.ms < 3 * collectorLimits.keyUseEveryMs; clock.ms += 1_000) {
    use.note('k1')
    await use.settled()
  }
  expect(written).toEqual([['k1'], ['k1'], ['k1']])
})

test('while a statement runs, keys that are used meanwhile wait for one of their own', async () => {
  const { written, use, answerWith } = counting()
  const slow = Promise.withResolvers<void>()
  answerWith(slow.promise)
  for (const id of ['k1', 'k2', 'k3', 'k2']) use.note(id)
  expect(written).toEqual([['k1']])
  slow.resolve()
  await use.settled()
  expect(written).toEqual([['k1'], ['k2', 'k3']])
})

test('a store that is away costs nothing but the note', async () => {
  const { written, clock, use, answerWith } = counting()
  answerWith(Promise.reject(new Error('down')))
  use.note('k1')
  await use.settled()
  answerWith(Promise.resolve())
  clock.ms = collectorLimits.keyUseEveryMs
  use.note('k1')
  await use.settled()
  expect(written).toEqual([['k1'], ['k1']])
})
