import { expect, test } from 'vitest'
import { jsonPointer } from './json-pointer.ts'

test('a slash and a tilde in a name are escaped as RFC 6901 has it', () => {
  expect(jsonPointer('/events/3', ['fields', 'a/b~c'])).toBe('/events/3/fields/a~1b~0c')
})

test('a name too long to repeat is left out: the pointer names its parent', () => {
  expect(jsonPointer('/events/0', ['fields', 'x'.repeat(4_000)])).toBe('/events/0/fields')
})
