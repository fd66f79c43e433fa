import { describe, expect, test } from 'vitest'
import type { OperationHistory } from './history.ts'
import { detectOperation } from './index.ts'
import { limits } from './limits.ts'
import { linksOf, linksWanted } from './links.ts'
import { examples, synced } from './testing/examples.ts'
import { history, operation, read, section, started, sync, token, write } from './testing/history-builder.ts'
import { withNeighbours } from './testing/neighbours.ts'

const pairs = Object.entries(examples).filter(([, { neighbours = [] }]) => neighbours.length > 0)

describe.each(pairs)('%s', (kind, example) => {
  test('is found whichever of the two operations is judged, by nothing but their links', () => {
    const { neighbours = [], ...own } = example
    const all: readonly OperationHistory[] = [own, ...neighbours.map((other) => ({ ...other, family: [] }))]
    const found = withNeighbours(all).map((each) =>
      detectOperation(each).findings.flatMap((finding) => (finding.kind === kind ? finding.id : [])),
    )
    expect(found).toEqual([[expect.any(String)], found[0]])
  })
})

test('the ends of a chain of versions find each other over outboxes', () => {
  const made = (number: number, from: string, to: string) =>
    operation(
      { operation: number },
      started({ syncs: [{ system: 'ats', async: true }] }),
      write({}, { overwritten_version: token(from), version: token(to) }),
    )
  const sent = (number: number, version: string) =>
    operation({ operation: number }, started(), sync('ok', {}, { version: token(version) }))
  const all = [sent(0, '1'), made(1, '0', '1'), made(2, '1', '2'), made(3, '2', '3'), sent(4, '3')]
  for (const each of withNeighbours(all)) expect(each.neighbours).toHaveLength(4)
})

test('no more neighbours are looked at than the limit says', () => {
  const all = Array.from({ length: limits.neighboursMax * 2 }, (_, number) =>
    synced({ operation: number }, ['1', '2', 'a']),
  )
  for (const each of withNeighbours(all)) expect(each.neighbours).toHaveLength(limits.neighboursMax)
})

describe('nobody is looked for', () => {
  test.each([
    ['for a write that is not sent anywhere and says what it replaced', [write({})]],
    ['for reads', [read('1', {})]],
    ['for a sync that was not acknowledged', [sync('unknown', {}, { version: token('1') })]],
    [
      'for a write that was rolled back',
      [write({}, { outcome: 'rejected' }), read('1', {}, { entity: { type: 'doctor', id: 'd-1' } })],
    ],
    ['for a section that may overlap', section(1, { protection: 'version' })],
  ])('%s', (_, steps) => {
    expect(linksWanted(history(started(), ...steps), 1)).toEqual([])
  })
})

test('what proves nothing is found under no link', () => {
  const { events } = history(
    started(),
    write({}, { outcome: 'rejected' }),
    write({}, { transaction: undefined }),
    sync('unknown', {}, { version: token('1') }),
    read('1', {}),
    ...section(1, { protection: 'serializable' }),
  )
  expect(events.flatMap(linksOf)).toEqual([])
})
