import { expect, test } from 'vitest'
import { entityKey } from './entity.ts'
import { FINDING_KINDS, findingId } from './finding.ts'

test('a finding has one id, by its kind and what it is about', () => {
  const ids = FINDING_KINDS.flatMap((kind) => [findingId(kind, 'a'), findingId(kind, 'b')])
  expect(new Set(ids).size).toBe(ids.length)
  expect(findingId('lost-update', 'a')).toBe(findingId('lost-update', 'a'))
  expect(ids[0]).toMatch(/^f_[0-9a-f]{32}$/)
})

test('two entities never share a key', () => {
  const keys = [
    { type: 'a', id: 'b:c' },
    { type: 'a:b', id: 'c' },
    { type: '1:a', id: 'b' },
    { type: '1', id: 'a:b' },
  ].map(entityKey)
  expect(new Set(keys).size).toBe(keys.length)
})
