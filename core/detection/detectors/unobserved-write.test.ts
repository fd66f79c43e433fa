import { describe, expect, test } from 'vitest'
import { history, token, without, write } from '../testing/history-builder.ts'
import { unobservedWrite } from './unobserved-write.ts'

const whole = history(write({ email: ['a', 'b', 'c', 'supplied'] }))
const unclaimed = new Set([token('2')])

describe('an unobserved write', () => {
  test('is observed where a version was replaced that no reported write had made', () => {
    expect(unobservedWrite.detect({ ...whole, unclaimed })).toMatchObject([
      { verdict: 'observed', entity: { id: 'c-17' }, details: { version: token('2') } },
    ])
  })

  test('is one finding, whoever meets the version', () => {
    const [a] = unobservedWrite.detect({ ...whole, unclaimed })
    const [b] = unobservedWrite.detect({ ...without(whole, 'write', 'version', token('7')), unclaimed })
    expect(a?.id).toBe(b?.id)
  })

  test.each([
    ['while nobody has looked for its maker', whole],
    ['where its maker is known', { ...whole, unclaimed: new Set<string>() }],
    ['where another version has no maker', { ...whole, unclaimed: new Set([token('9')]) }],
    [
      'where the operation had read it',
      { ...without(whole, 'write', 'known_versions', [token('2')]), unclaimed },
    ],
    [
      'where its own transaction made it',
      { ...without(whole, 'write', 'overwritten_by_self', true), unclaimed },
    ],
    ['where the write was rolled back', { ...without(whole, 'write', 'outcome', 'rejected'), unclaimed }],
  ])('is not claimed %s', (_, history) => {
    expect(unobservedWrite.detect(history)).toEqual([])
  })
})
