import { expect, test } from 'vitest'
import { isMadeOfSpans, isUuid, uuidV7TimeMs } from './uuid.ts'

test('the time of a UUIDv7 is its first 48 bits', () => {
  // the example of RFC 9562, appendix A.6
  expect(uuidV7TimeMs('017f22e2-79b0-7cc3-98c4-dc0c0c07398f')).toBe(0x17f22e279b0)
  expect(uuidV7TimeMs('ffffffff-ffff-7000-8000-000000000000')).toBe(2 ** 48 - 1)
})

test.each([
  ['another version', '919108f7-52d1-4320-9bac-f847db4148a8'],
  ['another variant', '017f22e2-79b0-7cc3-c8c4-dc0c0c07398f'],
  ['upper case', '017F22E2-79B0-7CC3-98C4-DC0C0C07398F'],
  ['braces', '{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}'],
  ['a line break at the end', '017f22e2-79b0-7cc3-98c4-dc0c0c07398f\n'],
  ['nothing', ''],
])('text of %s is no UUIDv7', (_, text) => {
  expect(uuidV7TimeMs(text)).toBeUndefined()
})

test('a UUID is one in lower case', () => {
  expect(isUuid('919108f7-52d1-4320-9bac-f847db4148a8')).toBe(true)
  expect(isUuid('919108F7-52d1-4320-9bac-f847db4148a8')).toBe(false)
  expect(isUuid('00000000-0000-0000-0000-000000000000')).toBe(false)
})

test('a process made of spans is known by the version of its id alone', () => {
  expect(isMadeOfSpans('5c146b14-3c52-8afd-938a-375d0df1fbf6')).toBe(true)
  expect(isMadeOfSpans('919108f7-52d1-4320-9bac-f847db4148a8')).toBe(false)
  expect(isMadeOfSpans('017f22e2-79b0-7cc3-98c4-dc0c0c07398f')).toBe(false)
})
