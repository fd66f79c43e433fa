import type { TransactionAnswers, TransactionFate } from '@syncproof/core/comparison'
import { type Finding, findingId, formatToken } from '@syncproof/core/contract'
import { describe, expect, it, test } from 'vitest'
import { limits } from '../limits.ts'
import { commitFate, commitQuestion, isLeftToReads } from './commit-fate.ts'

const NOW_MS = Date.parse('2026-11-20T12:00:00Z')
const DATABASE = '7712249214574788650-5'
const HOUR_MS = 3_600_000
const rfc3339 = (ms: number) => new Date(ms).toISOString()
const token = (value: string, database = DATABASE) =>
  formatToken({ kind: 'xmin', database, table: '16385', key: 'c-17', value })

function finding(details: Record<string, unknown>, ...versions: (string | undefined)[]): Finding {
  const events = versions.map((version) => ({ kind: 'write', outcome: 'unknown', version }))
  return {
    id: findingId('unknown-outcome', 'commit'),
    kind: 'unknown-outcome',
    details: { what: 'commit', sent_after: rfc3339(NOW_MS - 1_000), ...details },
    witness: { events },
  } as unknown as Finding
}

function question(details: Record<string, unknown> = {}, ...versions: string[]) {
  const asked = commitQuestion(finding(details, ...(versions.length > 0 ? versions : [token('744')])))
  if (asked === undefined || 'reason' in asked) throw new Error('it can be asked')
  return asked
}

function answers(status: TransactionFate['status'], more: Partial<TransactionAnswers> = {}) {
  const fates = new Map([['744', { id: '4294968040', status }]])
  const unbrokenSince = rfc3339(NOW_MS - HOUR_MS)
  return { database: DATABASE, isPrimary: true, unbrokenSince, now: rfc3339(NOW_MS), fates, ...more }
}

describe('an unknown commit', () => {
  it('is settled by what the same server, which never stopped, says of its id', () => {
    expect(commitFate(question(), answers('committed'))).toEqual({ is: 'committed' })
    expect(commitFate(question(), answers('aborted'))).toEqual({ is: 'aborted' })
  })

  test.each(['in progress', 'unassigned'] as const)('is asked again while its id is %s', (status) => {
    expect(commitFate(question(), answers(status))).toMatchObject({
      is: 'open',
      ids: { 744: '4294968040' },
    })
  })

  const broken: readonly [string, Partial<TransactionAnswers>][] = [
    ['was started after it was sent', { unbrokenSince: rfc3339(NOW_MS) }],
    [
      'was started about when it was sent',
      { unbrokenSince: rfc3339(NOW_MS - 1_000 - limits.clockMarginMs + 1) },
    ],
    ['does not say since when it runs', { unbrokenSince: undefined }],
  ]
  test.each(broken)('is never said to be committed where the server %s', (_, more) => {
    expect(commitFate(question(), answers('committed', more))).toMatchObject({ is: 'unanswered' })
    // an id that was given out twice belonged first to a transaction that a crash undid
    expect(commitFate(question(), answers('aborted', more))).toEqual({ is: 'aborted' })
  })

  const elsewhere: readonly [string, Partial<TransactionAnswers>, object][] = [
    ['another database', { database: '7712249214574788650-6' }, { is: 'elsewhere' }],
    ['a database that may not be named', { database: undefined }, { is: 'unanswered' }],
    ['a standby', { isPrimary: false }, { is: 'unanswered' }],
  ]
  test.each(elsewhere)('is not settled by %s', (_, more, fate) => {
    for (const status of ['committed', 'aborted'] as const)
      expect(commitFate(question(), answers(status, more))).toMatchObject(fate)
  })

  const unsure: readonly [string, Record<string, unknown>][] = [
    ['was sent too long ago', { sent_after: rfc3339(NOW_MS - limits.transactionIdHorizonMs - 1) }],
    ['was sent nobody knows when', { sent_after: undefined }],
    ['was sent in the future', { sent_after: rfc3339(NOW_MS + limits.clockMarginMs + 1) }],
  ]
  test.each(unsure)('is not settled where it %s: its 32 bits may name another transaction', (_, details) => {
    for (const status of ['committed', 'aborted', 'in progress'] as const)
      expect(commitFate(question(details), answers(status))).toMatchObject({ is: 'unanswered' })
  })

  it('that stays open for longer is known by its whole id', () => {
    const sent_after = rfc3339(NOW_MS - 2 * limits.transactionIdHorizonMs)
    const unbrokenSince = rfc3339(NOW_MS - 3 * limits.transactionIdHorizonMs)
    const later = (id: string) => question({ sent_after, transactions: { 744: id } })
    expect(commitFate(later('4294968040'), answers('committed', { unbrokenSince }))).toEqual({
      is: 'committed',
    })
    expect(commitFate(later('744'), answers('committed', { unbrokenSince }))).toMatchObject({
      is: 'unanswered',
    })
  })

  it('of which the database remembers nothing stays undecided', () => {
    expect(commitFate(question(), answers('forgotten'))).toMatchObject({ is: 'unanswered' })
    expect(commitFate(question(), answers('committed', { fates: new Map() }))).toMatchObject({
      is: 'unanswered',
    })
  })

  it('is settled only where all that it wrote met the same fate', () => {
    const both = question({}, token('744'), token('745'), token('744'))
    const fates = (status: TransactionFate['status']) =>
      new Map([
        ['744', { id: '4294968040', status: 'committed' as const }],
        ['745', { id: '4294968041', status }],
      ])
    expect(both.ids).toEqual(['744', '745'])
    const said = (status: TransactionFate['status']) =>
      commitFate(both, answers('committed', { fates: fates(status) })).is
    expect(said('committed')).toBe('committed')
    expect(said('aborted')).toBe('unanswered')
    expect(said('in progress')).toBe('open')
    expect(said('forgotten')).toBe('unanswered')
  })

  test.each([
    ['of no version', [undefined]],
    [
      'of a declared version',
      [formatToken({ kind: 'column', database: DATABASE, table: 't', key: 'k', value: '7' })],
    ],
    ['of something that is no id', [token('99999999999')]],
    ['in two databases', [token('744'), token('744', '7712249214574788650-6')]],
    ['in a database that the app could not name', [token('744', 'catalogue-app-16384')]],
  ])('%s cannot be asked about, and says why', (_, versions) => {
    expect(commitQuestion(finding({}, ...versions))).toEqual({ reason: expect.any(String) })
  })

  it('is no question of a sync', () => {
    expect(commitQuestion(finding({ what: 'sync' }, token('744')))).toBeUndefined()
  })

  it('is left to reads of both systems only once the database could not say', () => {
    const asked_at = rfc3339(NOW_MS)
    const isLeft = (details: Record<string, unknown>, readMs = NOW_MS) =>
      isLeftToReads(finding({ what: 'commit', ...details }), readMs)
    expect(isLeft({})).toBe(false)
    expect(isLeft({ database: 'open', asked_at })).toBe(false)
    expect(isLeft({ database: 'silent', asked_at })).toBe(true)
    // its transaction may have been open then
    expect(isLeft({ database: 'silent', asked_at }, NOW_MS - 1)).toBe(false)
    expect(isLeft({ what: 'sync' })).toBe(true)
  })
})
