import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalText } from './canonical-value.ts'
import {
  compareFingerprints,
  createFingerprinter,
  DEFAULT_FINGERPRINT_KEY,
  isHashedId,
  UNREADABLE,
} from './fingerprint.ts'

const entity = { type: 'candidate', id: 'c-17' }
const one = createFingerprinter('key one')
const two = createFingerprinter('key two')
const of = (value: string, by = one, rule = 'auto') =>
  by.fingerprint(entity, 'email', canonicalText(value), rule)

describe('a fingerprint', () => {
  test('is the same in every process that has the key', () => {
    expect(of('a@x')).toBe(of('a@x', createFingerprinter('key one')))
    expect(createFingerprinter(DEFAULT_FINGERPRINT_KEY).keyId).toBe(
      createFingerprinter(DEFAULT_FINGERPRINT_KEY).keyId,
    )
  })

  test('does not change from release to release', () => {
    const sha = (text: string, encoding: 'hex' | 'base64url') =>
      createHash('sha256').update(text).digest(encoding)
    const root = sha('syncproof fingerprint root\nkey one', 'base64url')
    const digest = sha(`${root}9:candidate4:c-175:emails3:a@x`, 'base64url').slice(0, 22)
    const keyId = sha('syncproof fingerprint key id 2\nkey one', 'hex').slice(0, 8)
    expect(of('a@x')).toBe(`${keyId}.auto.${digest}`)
  })

  test('carries at least 128 bits', () => {
    expect((of('a@x').split('.')[2] ?? '').length * 6).toBeGreaterThanOrEqual(128)
  })

  test('says nothing of the same value in another entity or field', () => {
    const text = canonicalText('a@x')
    const prints = [
      one.fingerprint(entity, 'email', text, 'auto'),
      one.fingerprint(entity, 'name', text, 'auto'),
      one.fingerprint({ ...entity, id: 'c-18' }, 'email', text, 'auto'),
      one.fingerprint({ ...entity, type: 'person' }, 'email', text, 'auto'),
      // the parts cannot be shifted into each other
      one.fingerprint({ type: 'candidatec', id: '-17' }, 'email', text, 'auto'),
      one.fingerprint(entity, 'emai', `l${text}`, 'auto'),
    ]
    expect(new Set(prints).size).toBe(prints.length)
  })
})

describe('a hashed id', () => {
  test('is the same in every process that has the key, from release to release', () => {
    const sha = (text: string, encoding: 'hex' | 'base64url') =>
      createHash('sha256').update(text).digest(encoding)
    const root = sha('syncproof fingerprint root\nkey one', 'base64url')
    const digest = sha(`${root}9:candidate4:c-17`, 'base64url').slice(0, 22)
    expect(one.entityId(entity)).toBe(`${one.keyId}.id.${digest}`)
  })

  test('is another one for another id, type or key, and never the fingerprint of a field', () => {
    const texts = [
      one.entityId(entity),
      two.entityId(entity),
      one.entityId({ ...entity, id: 'c-18' }),
      one.entityId({ ...entity, type: 'person' }),
      one.entityId({ type: 'candidate4', id: ':c-17' }),
      one.fingerprint(entity, '', '', 'id'),
      one.fingerprint({ type: 'candidate', id: '' }, 'c-17', '', 'id'),
    ]
    expect(new Set(texts).size).toBe(texts.length)
    expect(texts.every(isHashedId)).toBe(true)
  })

  test.each(['c-17', '', '0b5a2c1d', of('a@x'), `${one.entityId(entity)}x`, `\n${one.entityId(entity)}`])(
    'is told from an id: %s',
    (text) => expect(isHashedId(text)).toBe(false),
  )
})

describe('two fingerprints', () => {
  test.each([
    ['the same value', of('a'), of('a'), 'same'],
    ['another value', of('a'), of('b'), 'different'],
    ['another key', of('a'), of('a', two), 'incomparable'],
    ['another rule', of('a'), of('a', one, 'f00dfeed'), 'incomparable'],
    ['unreadable both', UNREADABLE, UNREADABLE, 'incomparable'],
    ['unreadable one', of('a'), UNREADABLE, 'incomparable'],
    ['no fingerprint', 'abc.def', 'abcd', 'incomparable'],
    ['one without a rule', 'key.digest', 'key.other', 'incomparable'],
    ['one without a digest', 'key.rule.', 'key.rule.x', 'incomparable'],
    ['empty text', '', '', 'incomparable'],
  ] as const)('of %s are told so', (_, a, b, expected) => {
    expect(compareFingerprints(a, b)).toBe(expected)
    expect(compareFingerprints(b, a)).toBe(expected)
  })

  test('differ only if key and rule are the same, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        const maker = (text: string) => text.slice(0, text.lastIndexOf('.') + 1)
        if (maker(a) !== maker(b)) expect(compareFingerprints(a, b)).toBe('incomparable')
      }),
      { numRuns: 2_000 },
    )
  })

  test('of a field that could not be read are unreadable', () => {
    expect(one.fingerprint(entity, 'email', undefined, 'auto')).toBe(UNREADABLE)
  })
})
