import { describe, expect, test } from 'vitest'
import { NO_ROW } from '../../contract/index.ts'
import type { OperationHistory } from '../history.ts'
import { detectOperation } from '../index.ts'
import {
  call,
  finished,
  history,
  historyOfCalled,
  incomplete,
  read,
  type Step,
  started,
  token,
  without,
  write,
} from '../testing/history-builder.ts'
import { lostUpdate } from './lost-update.ts'

const lost = (whole: OperationHistory) =>
  lostUpdate.detect(whole).map(({ fields, details }) => ({ fields, rules: details.rules }))
const none: unknown[] = []

const spreadMerge = write({
  name: ['Ann', 'Ann', 'Anna', 'supplied'],
  email: ['a@x', 'b@x', 'a@x', 'value'],
  updatedAt: ['1', '2', '3', 'last_write_wins'],
})

describe('a lost update is proven', () => {
  test('when a value that another writer had changed is set back to what was read', () => {
    const [finding] = lostUpdate.detect(
      history(started(), read('1', { email: 'a@x' }), spreadMerge, finished()),
    )
    expect(finding).toMatchObject({
      verdict: 'proven',
      fields: ['email'],
      summary: 'syncCandidate wrote candidate c-17 over an update that it had not read; lost: email',
      cause: { operation: 'syncCandidate', service: 'candidate-api', release: 'abc123', trace_id: 'trace-1' },
      details: { rules: { email: 'revert' } },
    })
    expect(finding?.witness.events.map((event) => event.kind)).toEqual(['write'])
  })

  test('when a value was computed from what was read', () => {
    expect(lost(history(write({ score: ['10', '20', '11', 'value'] })))).toEqual([
      { fields: ['score'], rules: { score: 'derived' } },
    ])
  })

  test('when a counter was counted up from what was read, though no value differs', () => {
    expect(lost(history(write({ score: ['10', '11', '11', 'counter'] })))).toEqual([
      { fields: ['score'], rules: { score: 'counter' } },
    ])
  })

  test('by the write alone, whatever else is missing', () => {
    expect(lost(incomplete(history(spreadMerge)))).toHaveLength(1)
  })

  test('against the called operation that wrote, not against its caller', () => {
    const whole = history(started(), call(started({ name: 'save' }), spreadMerge, finished()), finished())
    expect(lost(whole)).toEqual(none)
    expect(lostUpdate.detect(historyOfCalled(whole))[0]?.cause.operation).toBe('save')
  })

  test('once, under one id, with more evidence or less', () => {
    const [alone] = lostUpdate.detect(history(spreadMerge))
    const [more] = lostUpdate.detect(history(spreadMerge, started(), finished()))
    expect(more?.id).toBe(alone?.id)
  })
})

describe('no lost update is claimed', () => {
  const clean: Record<string, Step> = {
    'of a value that nobody had changed': write({ email: ['a', 'a', 'b', 'value'] }),
    'of a value that became what it already was': write({ email: ['a', 'b', 'b', 'value'] }),
    'of a value that the caller supplied': write({ email: ['a', 'b', 'c', 'supplied'] }),
    'of an increment in SQL': write({ score: ['10', '11', '12', 'expression'] }),
    'of a timestamp that every write sets': write({ updatedAt: ['1', '2', '3', 'last_write_wins'] }),
    'of a field whose assignment is not known': write({ email: ['a', 'b', 'a', 'unknown'] }),
    'where the version was known': write(
      { email: ['a', 'b', 'a', 'value'] },
      { known_versions: [token('1'), token('2')] },
    ),
    'where the version is the base': write(
      { email: ['a', 'b', 'a', 'value'] },
      { base_version: token('2'), known_versions: [token('1')] },
    ),
    'where not all known versions are listed': write(
      { email: ['a', 'b', 'a', 'value'] },
      { known_incomplete: true },
    ),
    'where no version was known at all': write(
      { email: ['a', 'b', 'a', 'value'] },
      { known_versions: [], base_version: undefined },
    ),
    'where the own transaction had made the version': write(
      { email: ['a', 'b', 'a', 'value'] },
      { overwritten_by_self: true },
    ),
    'where the write made the very version that it replaced': write(
      { email: ['a', 'b', 'a', 'value'] },
      { version: token('2') },
    ),
    'where no row was replaced': write({ email: ['a', 'b', 'a', 'value'] }, { overwritten_version: NO_ROW }),
    'where the versions are of another row': write(
      { email: ['a', 'b', 'a', 'value'] },
      { overwritten_version: token('2', 'c-18') },
    ),
    'where one known version is of another kind': write(
      { email: ['a', 'b', 'a', 'value'] },
      { known_versions: [token('1'), 'column/7%2Fapp/candidates/c-17/2'] },
    ),
    'where the version is no token': write({ email: ['a', 'b', 'a', 'value'] }, { overwritten_version: '2' }),
    'of a write that was rolled back': write({ email: ['a', 'b', 'a', 'value'] }, { outcome: 'rejected' }),
    'of a write whose fate is not known': write({ email: ['a', 'b', 'a', 'value'] }, { outcome: 'unknown' }),
    'of a write whose transaction is not known': write(
      { email: ['a', 'b', 'a', 'value'] },
      { transaction: undefined },
    ),
    'of one of too many rows': write({ email: ['a', 'b', 'a', 'value'] }, { rows_over_limit: 1 }),
    'where what was read is unreadable': write({ email: ['!', 'b', 'a', 'value'] }),
    'where what was replaced is unreadable': write({ email: ['a', '!', 'a', 'value'] }),
    'where what was written is unreadable': write({ email: ['a', 'b', '!', 'value'] }),
    'where what was read was hashed by another rule': write(
      { email: ['a', 'b', 'a', 'value'] },
      { base_fields: { email: 'key1.rule2.a' } },
    ),
    'where what was written was hashed with another key': write({ score: ['1', '2', '3', 'value'] }, {
      fields: { score: 'key2.auto.3' } as never,
    } as never),
    'where a field is called as a member that every object has': write(
      { ['constructor' as string]: ['a', 'b', 'a', 'value'] },
      { base_fields: {} },
    ),
  }
  test.each(Object.entries(clean))('%s', (_, step) => {
    expect(lost(history(started(), step, finished()))).toEqual(none)
  })

  test.each([
    'outcome',
    'transaction',
    'overwritten_version',
    'overwritten_by_self',
    'assigned',
    'fields',
    'base_fields',
    'overwritten_fields',
  ])('without %s', (field) => {
    const empty = field === 'assigned' || field === 'fields' ? {} : undefined
    expect(lost(without(history(spreadMerge), 'write', field, empty))).toEqual(none)
  })

  test('without versions that were known', () => {
    const bare = without(
      without(history(spreadMerge), 'write', 'known_versions', []),
      'write',
      'base_version',
    )
    expect(lost(bare)).toEqual(none)
  })

  test('without an answer to whose version it was, and nothing fails over it', () => {
    const { findings, failures } = detectOperation(
      without(history(spreadMerge), 'write', 'overwritten_by_self'),
    )
    expect(findings.filter(({ verdict }) => verdict === 'proven')).toEqual([])
    expect(failures).toEqual([])
  })
})
