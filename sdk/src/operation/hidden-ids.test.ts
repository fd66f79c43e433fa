import { createFingerprinter, formatToken, isToken, limits, tokensComparable } from '@syncproof/core/contract'
import { expect, it } from 'vitest'
import { HiddenIds } from './hidden-ids.ts'

const fingerprinter = createFingerprinter('k')
const ids = HiddenIds.of({ candidate: { entityId: 'hashed' }, job: {} }, fingerprinter)
if (!ids) throw new Error('a type is declared')
const hide = <T extends object>(members: T) => ids.hide(members)

const token = (key: string, value: string | number, kind = 'xmin') =>
  formatToken({ kind, database: 'db', table: '16433', key, value: String(value) })
const candidate = { type: 'candidate', id: 'c-17' }

it('nothing is hidden where no type asks for it', () => {
  expect(HiddenIds.of({ candidate: {}, job: {} }, fingerprinter)).toBeUndefined()
  const members = { system: 'db', entity: { type: 'job', id: 'j1' }, version: token('j1', 1) }
  expect(hide(members)).toBe(members)
  const ended = { outcome: 'ok' }
  expect(hide(ended)).toBe(ended)
})

it('tokens are as comparable as before, and as equal', () => {
  const versions = [token('c-17', 1), token('c-17', 2), token('c-18', 1)]
  const { known_versions } = hide({ entity: candidate, known_versions: [...versions, token('c-17', 1)] })
  expect(known_versions.every(isToken)).toBe(true)
  expect(known_versions[3]).toBe(known_versions[0])
  expect(new Set(known_versions).size).toBe(3)
  const [one = '', two = '', other = ''] = known_versions
  expect([tokensComparable(one, two), tokensComparable(one, other)]).toEqual([true, false])
  expect(hide({ entity: candidate, overwritten_version: 'none' }).overwritten_version).toBe('none')
})

it('what another system calls a version is hashed, and a revision whose order counts is not', () => {
  const answered = { system: 'ats', entity: candidate, external_version: 'c-17/3' }
  const { external_version } = hide(answered)
  expect(external_version).toBe(fingerprinter.entityId({ type: 'ats', id: 'c-17/3' }))
  const read = hide({
    entity: candidate,
    version: formatToken({ kind: 'etag', database: 'ats', table: 'candidate', key: 'c-17', value: 'c-17/3' }),
  })
  expect(read.version?.endsWith(`/${external_version}`)).toBe(true)
  expect(hide({ ...answered, external_version: '3', external_ordered: true }).external_version).toBe('3')
})

it.each([
  ['j1', 'c-17'],
  // spelled as parts of a token that are not its key
  ['16433/c-17', 'c-17'],
  ['c%2F17', 'c/17'],
])('an event on the job %j hides the row %j, and not its own', (id, key) => {
  const entity = { type: 'job', id }
  const hidden = hide({ entity, version: token(key, 1) })
  expect(hidden.entity).toBe(entity)
  expect(hidden.version.split('/')[3]).toBe(fingerprinter.entityId({ type: '16433', id: key }))
  expect(hide({ entity, version: token(id, 1) }).version).toBe(token(id, 1))
})

it('a token that the hash makes too long is left out, and said to be', () => {
  const long = token('c', 'x'.repeat(limits.stringLengthMax - 30))
  expect(long.length).toBeLessThanOrEqual(limits.stringLengthMax)
  expect(hide({ entity: candidate, version: long, known_versions: [long, token('c', 1)] })).toMatchObject({
    version: undefined,
    known_versions: [expect.any(String)],
    known_incomplete: true,
  })
})
