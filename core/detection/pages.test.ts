import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { eventSchemas } from '../contract/event-schema.ts'
import {
  compareFingerprints,
  FINDING_KINDS,
  type FindingKind,
  type StoredEvent,
  type Witness,
} from '../contract/index.ts'
import { detectOperation, detectors } from './index.ts'
import { processReport } from './testing/history-builder.ts'

const folder = new URL('../../docs/findings/', import.meta.url)
const pageOf = (kind: string) => readFileSync(new URL(`${kind}.md`, folder), 'utf8')

function witnessOf(kind: string): Witness {
  const [, json] = /```json\n([\s\S]*?)\n```/.exec(pageOf(kind)) ?? []
  if (json === undefined) throw new Error(`docs/findings/${kind}.md has no example witness`)
  return JSON.parse(json)
}

/** The example's events, with the start that every operation has. */
function verdictsOf(events: readonly StoredEvent[]) {
  const [event] = events
  if (event === undefined || !('operation_id' in event)) throw new Error('no event')
  const { operation_id, process_id } = event
  const start = {
    ...{ id: '', seq: 0, at: event.at, monotonic_us: 0, process_id, operation_id, kind: 'operation_started' },
    ...{ name: 'syncCandidate', entity: { type: 'candidate', id: 'c-17' }, root_operation_id: operation_id },
    ...{ attempt: 1, intent: 'unspecified' },
  } as StoredEvent
  const whole = events.some(({ kind }) => kind === 'operation_started') ? events : [start, ...events]
  const history = {
    operationId: operation_id,
    process: processReport,
    events: whole,
    complete: true,
    family: [],
  }
  return detectOperation(history).findings.map(({ kind, verdict }) => `${kind} ${verdict}`)
}

test('every kind of finding has a page, and every page is one of a kind', () => {
  const pages = readdirSync(folder).filter((file) => file.endsWith('.md'))
  expect(pages.sort()).toEqual(FINDING_KINDS.map((kind) => `${kind}.md`).sort())
})

describe.each(FINDING_KINDS)('the page of %s', (kind) => {
  test('says what it means, what proves it and what to do', () => {
    const headings = pageOf(kind).match(/^##? .*$/gm)
    expect(headings).toEqual([
      `# ${kind}`,
      '## What it means',
      '## What proves it',
      '## What to do',
      '## An example witness',
    ])
  })

  test('shows events that the contract accepts', () => {
    for (const event of witnessOf(kind).events) {
      expect(event.process_id).toBeTypeOf('string')
      expect(eventSchemas[event.kind].safeParse(event)).toMatchObject({ success: true })
    }
  })
})

describe.each(detectors)('the page of the detector $id', ({ id, title }) => {
  test('begins with its title', () => {
    expect(pageOf(id)).toContain(`\n${title}. Verdict: `)
  })

  test('shows a witness from which the finding can be derived again', () => {
    const [, said] = / Verdict: (\w+)/.exec(pageOf(id)) ?? []
    expect(verdictsOf(witnessOf(id).events)).toContain(`${id} ${said}`)
  })
})

test.each<[FindingKind, boolean, boolean]>([
  ['missing-in-target', true, false],
  ['unexpected-in-target', false, true],
  ['field-mismatch', true, true],
])('the page of %s shows what was read on both sides', (kind, inSource, inTarget) => {
  const [source, target] = witnessOf(kind).observations ?? []
  expect([source?.found, target?.found]).toEqual([inSource, inTarget])
  if (!inSource || !inTarget) return
  const different = Object.keys(source?.fields ?? {}).filter(
    (field) => compareFingerprints(source?.fields[field] ?? '', target?.fields[field] ?? '') === 'different',
  )
  expect(different).toEqual(['email'])
})
