import { expect, it } from 'vitest'
import { trueDivergences } from './divergence.ts'

const row = {
  id: 'c-1',
  name: 'Ada',
  email: 'ada@x',
  phone: null,
  stage: 'offer',
  score: 3,
  notes: 'n',
  updatedBy: 'r1',
  updatedAt: '2026-03-01T10:00:00.12+00:00',
  revision: 9,
}
const record = { ...row, updatedAt: '2026-03-01T10:00:00.120Z', revision: '8' }

it('finds no difference between the same instant spelt in two ways, nor in the revision', () => {
  expect(trueDivergences([row], [record])).toEqual([])
})

it('names each field that differs', () => {
  const other = { ...record, name: 'Bob', phone: '1', updatedAt: '2026-03-01T10:00:00.121Z' }
  expect(trueDivergences([row], [other])).toEqual([
    { key: 'c-1', kind: 'field-mismatch', fields: ['name', 'phone', 'updatedAt'] },
  ])
})

it('tells a number from its text, and a null from a field that is not there', () => {
  const { phone: _phone, ...withoutPhone } = record
  expect(trueDivergences([row], [{ ...withoutPhone, score: '3' }])[0]?.fields).toEqual(['phone', 'score'])
})

it('names what only one side has', () => {
  expect(trueDivergences([row], [{ ...record, id: 'c-2' }])).toEqual([
    { key: 'c-1', kind: 'missing-in-target', fields: [] },
    { key: 'c-2', kind: 'unexpected-in-target', fields: [] },
  ])
})
