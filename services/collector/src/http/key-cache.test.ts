import type { KeyAnswer, KeyRow } from '@syncproof/store'
import { expect, test } from 'vitest'
import { collectorLimits } from '../limits.ts'
import { cacheKeys } from './key-cache.ts'

const row: KeyRow = { id: 'k1', projectId: 'default', scopes: ['read'] }

function counting(answer: (key: string) => Promise<KeyAnswer>) {
  const asked: string[] = []
  const clock = { ms: 0 }
  const authenticate = cacheKeys(
    {
      authenticate(key) {
        asked.push(key)
        return answer(key)
      },
    },
    () => clock.ms,
  )
  return { asked, clock, authenticate }
}

test('a key is looked up once an interval, known or not', async () => {
  const { asked, clock, authenticate } = counting(async (key) => (key === 'good' ? row : 'unknown'))
  for (const key of ['good', 'bad', 'good', 'bad']) await authenticate(key)
  expect(asked).toEqual(['good', 'bad'])
  clock.ms = collectorLimits.keyCacheTtlMs
  expect(await authenticate('good')).toBe(row)
  expect(await authenticate('bad')).toBe('unknown')
  expect(asked).toEqual(['good', 'bad', 'good', 'bad'])
})

test('what a slow lookup said is remembered from when it began: the key may have been revoked since', async () => {
  const slow = Promise.withResolvers<KeyRow>()
  const { clock, authenticate } = counting(async () => (clock.ms === 0 ? slow.promise : 'revoked'))
  const first = authenticate('good')
  clock.ms = collectorLimits.keyCacheTtlMs - 1
  slow.resolve(row)
  expect(await first).toBe(row)
  expect(await authenticate('good')).toBe(row)
  clock.ms = collectorLimits.keyCacheTtlMs
  expect(await authenticate('good')).toBe('revoked')
})

test('a failed lookup is not remembered', async () => {
  let down = true
  const { authenticate } = counting(async () => {
    if (down) throw new Error('down')
    return row
  })
  await expect(authenticate('good')).rejects.toThrow('down')
  down = false
  expect(await authenticate('good')).toBe(row)
})

test('a flood of made-up keys forgets the oldest instead of growing', async () => {
  const { asked, authenticate } = counting(async () => 'unknown')
  await authenticate('first')
  for (let n = 0; n < collectorLimits.keyCacheMax - 1; n++) await authenticate(`k${n}`)
  await authenticate('first')
  expect(asked.filter((key) => key === 'first')).toHaveLength(1)
  await authenticate('one more')
  await authenticate('first')
  expect(asked.filter((key) => key === 'first')).toHaveLength(2)
})

test('a flood of made-up keys costs no sender its place: a good key is still looked up once an interval', async () => {
  const { asked, authenticate } = counting(async (key) => (key === 'good' ? row : 'unknown'))
  await authenticate('good')
  for (let n = 0; n < 2 * collectorLimits.keyCacheMax; n++) await authenticate(`k${n}`)
  expect(await authenticate('good')).toBe(row)
  expect(asked.filter((key) => key === 'good')).toHaveLength(1)
})
