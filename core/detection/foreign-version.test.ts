import { describe, expect, test } from 'vitest'
import { lostUpdate } from './detectors/lost-update.ts'
import { detectOperation } from './index.ts'
import { history, token, write } from './testing/history-builder.ts'

const lost = (rest: Parameters<typeof write>[1]) =>
  detectOperation(history(write({ email: ['a', 'b', 'a', 'value'] }, rest)), [lostUpdate]).findings.map(
    ({ verdict }) => verdict,
  )

describe('a version is foreign', () => {
  test.each<[string, Parameters<typeof write>[1]]>([
    ['to one that is known, where the write names no base', { base_version: undefined }],
    ['to the base, where nothing else is known', { known_versions: [] }],
  ])('%s', (_, rest) => {
    expect(lost(rest)).toEqual(['proven'])
  })
})

test('a version is not foreign where the base is a token of another kind, which may name the very same', () => {
  expect(lost({ base_version: 'column/7%2Fapp/candidates/c-17/2' })).toEqual([])
  expect(lost({ base_version: token('1', 'c-18') })).toEqual([])
})
