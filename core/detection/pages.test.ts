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
import { detectOperation, detectors, type OperationHistory } from './index.ts'
import { processReport } from './testing/history-builder.ts'

const folder = new URL('../../docs/findings/', import.meta.url)
const pageOf = (kind: string) => readFileSync(new URL(`${kind}.md`, folder), 'utf8')

function witnessOf(kind: string): Witness {
  const [, json] = /```json\n([\s\S]*?)\n```/.exec(pageOf(kind)) ?? []
  if (json === undefined) throw new Error(`docs/findings/${kind}.md has no example witness`)
  return JSON.parse(json)
}

/** The example's operations, each with the others as its neighbours. */
function verdictsOf(events: readonly StoredEvent[]): readonly string[] {
  const histories = [...Map.groupBy(events, operationOf)].flatMap(([operationId, own]) =>
    operationId === undefined ? [] : [historyOf(operationId, own)],
  )
  const end = events.find((event) => event.kind === 'process_ended')
  const replaced = events.flatMap((event) =>
    event.kind === 'write' ? (event.overwritten_version ?? []) : [],
  )
  return histories.flatMap((history) => {
    const { findings } = detectOperation({
      ...history,
      neighbours: histories.filter((other) => other !== history),
      ...(end && { processEnd: { event: end, whole: true } }),
      unclaimed: new Set(replaced),
    })
    return findings.map(({ kind, verdict }) => `${kind} ${verdict}`)
  })
}

function operationOf(event: StoredEvent): string | undefined {
  return event.kind === 'process_ended' ? undefined : event.operation_id
}

/** With the start that every operation has. */
function historyOf(operation_id: string, own: readonly StoredEvent[]): OperationHistory {
  const start = {
    ...{ id: '', seq: 0, at: own[0]?.at, monotonic_us: 0, process_id: own[0]?.process_id, operation_id },
    ...{ kind: 'operation_started', name: 'syncCandidate', entity: { type: 'candidate', id: 'c-17' } },
    ...{ root_operation_id: operation_id, attempt: 1, intent: 'unspecified' },
  } as StoredEvent
  const events = own.some(({ kind }) => kind === 'operation_started') ? own : [start, ...own]
  return { operationId: operation_id, process: processReport, events, complete: true, family: [] }
}

test('every kind of finding has a page, and every page is one of a kind', () => {
  const pages = readdirSync(folder).filter((file) => file.endsWith('.md'))
  expect(pages.sort()).toEqual(FINDING_KINDS.map((kind) => `${kind}.md`).sort())
})

test('the README lists every kind once, with a link to its page', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const listed = [...readme.matchAll(/^\| \[([a-z-]+)\]\(docs\/findings\/\1\.md\) \|/gm)].map(
    ([, kind]) => kind,
  )
  expect(listed.sort()).toEqual([...FINDING_KINDS].sort())
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
