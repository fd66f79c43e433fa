import { type Finding, formatToken } from '@syncproof/core/contract'
import { describe, expect, it } from 'vitest'
import type { Happening } from './oracle/judge.ts'
import { type Found, remarks, score, writtenXid } from './score.ts'

const happened = (kind: Happening['kind'], xid: string, fields: string[] = []): Happening => ({
  kind,
  candidateId: 'c-1',
  xid,
  fields,
  requestId: `r${xid}`,
})

function found(kind: Finding['kind'], xid: string | undefined, more: Partial<Finding> = {}): Found {
  const finding: Finding = {
    id: `f_${kind}_${xid}`,
    kind,
    verdict: 'proven',
    severity: 'high',
    entity: { type: 'candidate', id: 'c-1' },
    fields: [],
    summary: '',
    cause: { operation_id: 'o1', operation: 'syncCandidate' },
    witness: { events: [] },
    occurred_at: '',
    details: {},
    status: 'open',
    first_seen_at: '',
    last_seen_at: '',
    occurrences: 1,
    ...more,
  }
  return { finding, xid }
}

const clean = { result: 'clean', compared: 1, divergences: [] }
const judge = (happenings: Happening[], findings: Found[]) => score(happenings, [], findings, clean)

describe('the score', () => {
  it('matches a finding to what happened by candidate, transaction and fields', () => {
    const { findings, failures } = judge(
      [happened('lost-update', '7', ['email', 'name'])],
      [found('lost-update', '7', { fields: ['name', 'email'] })],
    )
    expect(findings['lost-update']).toEqual({ happened: 1, found: 1, missed: 0, false: 0 })
    expect(failures).toEqual([])
  })

  it.each([
    ['another transaction', found('lost-update', '8', { fields: ['email'] })],
    [
      'another candidate',
      found('lost-update', '7', { fields: ['email'], entity: { type: 'candidate', id: 'c-2' } }),
    ],
    ['another field', found('lost-update', '7', { fields: ['name'] })],
    ['a write that cannot be named', found('lost-update', undefined, { fields: ['email'] })],
  ])('counts a finding about %s as false, and the loss as missed', (_what, finding) => {
    const { findings, failures } = judge([happened('lost-update', '7', ['email'])], [finding])
    expect(findings['lost-update']).toEqual({ happened: 1, found: 1, missed: 1, false: 1 })
    expect(failures).toEqual([
      `1 proven lost-update did not happen, such as ${finding.finding.id}.`,
      '1 lost-update happened and was not found.',
    ])
  })

  it('counts a second finding of the same thing as false', () => {
    const { findings } = judge(
      [happened('partial-write', '7')],
      [found('partial-write', '7'), found('partial-write', '7')],
    )
    expect(findings['partial-write']).toEqual({ happened: 1, found: 2, missed: 0, false: 1 })
  })

  it('fails for a missed partial write, and not for a missed unknown outcome', () => {
    const { failures } = judge([happened('partial-write', '7'), happened('unknown-outcome', '8')], [])
    expect(failures).toEqual(['1 partial-write happened and was not found.'])
  })

  it('fails for a false conflict, because it is said to be proven', () => {
    expect(judge([], [found('write-conflict', '7')]).failures).toHaveLength(1)
    expect(judge([], [found('unknown-outcome', '7', { verdict: 'indeterminate' })]).failures).toEqual([])
  })

  it('remarks on what is false or missed without being a failure', () => {
    const hazard = found('unguarded-read-modify-write', undefined, { verdict: 'hazard' })
    const mixed = judge([happened('unknown-outcome', '8')], [hazard])
    expect(mixed.failures).toEqual([])
    expect(remarks(mixed)).toEqual(['1 missed unknown-outcome', '1 false unguarded-read-modify-write'])
    expect(remarks(judge([happened('partial-write', '7')], [found('partial-write', '7')]))).toEqual([])
  })

  it('counts a hazard once for the function', () => {
    const { findings } = judge(
      [happened('unguarded-read-modify-write', '7')],
      [found('unguarded-read-modify-write', undefined, { verdict: 'hazard' })],
    )
    expect(findings['unguarded-read-modify-write']).toEqual({ happened: 1, found: 1, missed: 0, false: 0 })
  })
})

describe('the score of the report', () => {
  const differs = { key: 'c-1', kind: 'field-mismatch', fields: ['name'] } as const
  const named = {
    ...differs,
    verdict: 'observed',
    reason: null,
    finding_id: null,
    source_observed_at: null,
    target_observed_at: null,
  } as const

  it('is exact where the report names exactly what differs', () => {
    const { report, failures } = score([], [differs], [], {
      result: 'diverged',
      compared: 2,
      divergences: [named],
    })
    expect(report).toMatchObject({ happened: 1, found: 1, missed: 0, false: 0, indeterminate: 0 })
    expect(failures).toEqual([])
  })

  it('fails where a candidate is not named, named wrongly, or left undecided', () => {
    const undecided = { ...named, verdict: 'indeterminate' } as const
    const open = { result: 'diverged', compared: 2 }
    expect(score([], [differs], [], { ...open, divergences: [] }).failures).toHaveLength(1)
    expect(score([], [], [], { ...open, divergences: [named] }).failures).toHaveLength(1)
    expect(score([], [differs], [], { ...open, divergences: [undecided] }).failures).toHaveLength(1)
    const otherField = { ...named, fields: ['email'] }
    expect(score([], [differs], [], { ...open, divergences: [otherField] }).failures).toHaveLength(2)
    const otherKind = { ...named, kind: 'missing-in-target' } as const
    expect(score([], [differs], [], { ...open, divergences: [otherKind] }).failures).toHaveLength(2)
  })
})

it('reads the transaction of a write out of the version token of the very operation', () => {
  const token = (value: string) => formatToken({ kind: 'xmin', database: 'd', table: 't', key: 'c-1', value })
  const write = (operation_id: string, value: string) =>
    ({
      kind: 'write',
      operation_id,
      version: token(value),
    }) as unknown as Finding['witness']['events'][number]
  const { finding } = found('lost-update', undefined)
  expect(writtenXid(finding, [write('o2', '6'), write('o1', '7')])).toBe('7')
  expect(writtenXid(finding, [write('o2', '6')])).toBeUndefined()
})
