import { describe, expect, test } from 'vitest'
import {
  cleanWrite,
  history,
  read,
  type Step,
  started,
  token,
  without,
  write,
} from '../testing/history-builder.ts'
import { unguardedReadModifyWrite } from './unguarded-read-modify-write.ts'

const merge = write({ email: ['a', 'a', 'a', 'value'] }, { overwritten_version: token('1') })
const steps = [started(), read('1', { email: 'a' }), merge]

describe('an unguarded read-modify-write', () => {
  test('is shown by a single call that ran alone', () => {
    const [finding] = unguardedReadModifyWrite.detect(history(...steps))
    expect(finding).toMatchObject({
      verdict: 'hazard',
      fields: ['email'],
      details: { function: 'syncCandidate', entity_type: 'candidate', system: 'db' },
    })
    expect(finding?.entity).toBeUndefined()
    expect(finding?.witness.events.map((event) => event.kind)).toEqual(['read', 'write'])
  })

  test('is one finding for all calls of a function, and for all writes of a call', () => {
    const [one] = unguardedReadModifyWrite.detect(history(...steps))
    const [two, ...more] = unguardedReadModifyWrite.detect(
      history(
        started({ trace_id: 'another' }),
        read('7', { email: 'b' }),
        write({ email: ['b', 'b', 'c', 'value'] }, { base_version: token('7') }),
        merge,
      ),
    )
    expect(more).toEqual([])
    expect(two?.id).toBe(one?.id)
    const [other] = unguardedReadModifyWrite.detect(
      history(started({ name: 'mergeCandidate' }), ...steps.slice(1)),
    )
    expect(other?.id).not.toBe(one?.id)
  })

  test('is shown by marks without versions', () => {
    const bare = without(without(history(...steps), 'write', 'base_version'), 'read', 'version')
    expect(unguardedReadModifyWrite.detect(bare)).toHaveLength(1)
  })

  test.each<[string, readonly Step[]]>([
    [
      'the write checks the version',
      [started(), read('1', {}), write({ a: ['1', '1', '2', 'value'] }, { guard: 'version' })],
    ],
    [
      'the row was locked',
      [started(), read('1', {}), write({ a: ['1', '1', '2', 'value'] }, { guard: 'lock' })],
    ],
    [
      'a section was entered before the read',
      [
        started(),
        read('1', {}),
        write({ a: ['1', '1', '2', 'value'] }, { section: { name: 's', base_read_inside: true } }),
      ],
    ],
    ['nothing was read', [started(), merge]],
    ['nothing was found', [started(), read('1', {}, { found: false }), merge]],
    [
      'another row was read',
      [started(), read('1', {}, { entity: { type: 'candidate', id: 'c-18' } }), merge],
    ],
    ['another version was read', [started(), read('5', {}), merge]],
    ['the read came after', [started(), merge, read('1', {})]],
    ['the caller supplied every value', [started(), read('1', {}), cleanWrite('email', 'a', 'b')]],
    [
      'many rows were written',
      [started(), read('1', {}), write({ a: ['1', '1', '2', 'value'] }, { rows_over_limit: 1 })],
    ],
    ['the function is not known', [read('1', {}), merge]],
  ])('is not reported where %s', (_, some) => {
    expect(unguardedReadModifyWrite.detect(history(...some))).toEqual([])
  })

  test.each([['guard'], ['assigned', {}]])('is not reported without %s', (field, empty?: unknown) => {
    expect(
      unguardedReadModifyWrite.detect(without(history(...steps), 'write', String(field), empty)),
    ).toEqual([])
  })
})
