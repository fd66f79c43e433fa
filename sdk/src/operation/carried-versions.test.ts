import { expect, it } from 'vitest'
import { CarriedVersions } from './carried-versions.ts'

const v1 = { version: 'v1', fields: { id: 'a', name: 'b', email: 'c' } }
const v2 = { version: 'v2', fields: { id: 'a', name: 'b', email: 'd' } }

it('the very object names its version while it has the version’s fields', () => {
  const carried = new CarriedVersions()
  const row = {}
  carried.add(row, v1)
  expect(carried.ofObject(row, v1.fields)).toBe('v1')
  expect(carried.ofObject(row, { ...v1.fields, email: 'changed' })).toBeUndefined()
  expect(carried.ofObject({ ...row }, v1.fields)).toBeUndefined()
})

it('a copy names the only version that has its values', () => {
  const carried = new CarriedVersions()
  carried.add({}, v1)
  carried.add({}, v2)
  expect(carried.ofCopy({ ...v2.fields, extra: 'x' }, {})).toBe('v2')
  expect(carried.ofCopy({ id: 'a', name: 'b' }, {})).toBeUndefined()
  expect(carried.ofCopy({ ...v2.fields, email: 'e' }, {})).toBeUndefined()
  expect(carried.ofCopy({ ...v2.fields, email: 'text' }, { email: 'd' })).toBe('v2')
})

it('a copy with few of a record’s fields, or with one that could not be read, names none', () => {
  const carried = new CarriedVersions()
  carried.add({}, v1)
  expect(carried.ofCopy({ id: 'a', note: 'x' }, {})).toBeUndefined()
  expect(carried.ofCopy({ ...v1.fields, blob: '!' }, {})).toBeUndefined()
  expect(carried.ofCopy({}, {})).toBeUndefined()
})
