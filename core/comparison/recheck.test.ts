import { describe, expect, it } from 'vitest'
import { UNREADABLE } from '../contract/index.ts'
import { judgeFingerprints } from './compare.ts'
import { type RecheckRead, type RecheckReads, recheck } from './recheck.ts'

const state = (name: string, version?: string): RecheckRead => ({
  key: '1',
  fields: { name: name === UNREADABLE ? name : `k.r.${name}` },
  version,
})

const decide = (sourceBefore: RecheckRead, target: RecheckRead, sourceAfter: RecheckRead, busy = false) =>
  recheck({
    ...{ sourceBefore, sourceAfter, busy },
    difference: judgeFingerprints(sourceAfter, target),
  } satisfies RecheckReads)

const ada = state('ada')
const bob = state('bob')
const gone = undefined

describe('a suspect that is read again', () => {
  it('agrees where both sides have become the same', () => {
    expect(decide(ada, ada, ada)).toEqual({ verdict: 'agree' })
    expect(decide(ada, ada, ada, true)).toEqual({ verdict: 'agree' })
  })

  it('agrees where it is gone on both sides', () => {
    expect(decide(gone, gone, gone)).toEqual({ verdict: 'agree' })
  })

  it.each([
    ['missing-in-target', [], ada, gone],
    ['unexpected-in-target', [], gone, ada],
    ['field-mismatch', ['name'], ada, bob],
  ] as const)('is observed as %s where the source stood still around it', (kind, fields, source, target) => {
    expect(decide(source, target, source)).toEqual({ verdict: 'observed', kind, fields })
  })

  it.each([
    ['changed', ada, state('carl')],
    ['appeared', gone, ada],
    ['went', ada, gone],
    ['changed its version only', state('ada', '1'), state('ada', '2')],
  ])('is read once more where the source %s meanwhile', (_, before, after) => {
    expect(decide(before, bob, after)).toMatchObject({ verdict: 'again' })
  })

  it('is read once more while an operation on it is open', () => {
    expect(decide(ada, bob, ada, true)).toMatchObject({ verdict: 'again' })
  })

  it('is never observed where the field cannot be compared, and the reason names it', () => {
    const unreadable = state(UNREADABLE)
    expect(decide(ada, unreadable, ada)).toMatchObject({
      verdict: 'again',
      reason: expect.stringContaining('name'),
    })
    expect(decide(unreadable, ada, unreadable)).toMatchObject({ verdict: 'again' })
  })
})
