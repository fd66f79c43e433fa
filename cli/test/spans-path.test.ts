import { createFingerprinter, type Finding, isMadeOfSpans } from '@syncproof/core/contract'
import { verifyFinding } from '@syncproof/core/verification'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import {
  type Attributes,
  candidate,
  makeExport,
  makeSpan,
  spanId,
  traceId,
} from '../../services/collector/test/make-span.ts'
import { type FreshDatabase, freshDatabase } from '../../tools/testing/servers.ts'
import { type Dev, startDev } from '../src/index.ts'

/** From the spans of a program in another language to the finding. */
let database: FreshDatabase
let dev: Dev
beforeAll(async () => {
  database = await freshDatabase()
  dev = await startDev({ port: 0, metricsPort: 0, database: database.url })
})
afterAll(async () => {
  await dev?.close()
  await database?.drop()
})

const print = (id: string, text: string) =>
  createFingerprinter('k').fingerprint({ type: 'candidate', id }, 'status', `s${text.length}:${text}`, 'auto')

type Span = Attributes & { readonly [name: string]: unknown }

/** One run of a function of its own trace. */
async function call(id: string, operation: Attributes, ...steps: readonly Attributes[]): Promise<void> {
  const [trace, root] = [traceId(), spanId()]
  const of = (attributes: Span, changes: object) =>
    makeSpan({ ...candidate(id), ...attributes }, { traceId: trace, ...changes })
  const children = steps.map((step) => of(step as Span, { parentSpanId: root }))
  // children end, and are sent, before their parent
  for (const spans of [children, [of(operation as Span, { spanId: root, parentSpanId: '' })]]) {
    const reply = await fetch(`${dev.url}/v1/traces`, {
      method: 'POST',
      headers: { authorization: `Bearer ${dev.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(makeExport(spans)),
    })
    expect(await reply.json()).toEqual({})
  }
}

async function findingsOf(id: string): Promise<readonly Finding[]> {
  await vi.waitFor(async () => expect(await dev.store.detection.lag()).toMatchObject({ events: 0 }), {
    timeout: 30_000,
    interval: 50,
  })
  return (await dev.store.findings.list('default', { entity_id: id }, { limit: 10 })).items
}

const rate = { 'syncproof.operation': 'rate', 'syncproof.syncs': ['ats'] }
const lossy = (id: string): Attributes => ({
  'syncproof.write': 'db',
  'syncproof.transaction': 'none',
  'syncproof.base_version': 7,
  'syncproof.known_versions': ['7'],
  'syncproof.overwritten_version': 8,
  'syncproof.overwritten_by_self': false,
  'syncproof.version': 9,
  'syncproof.assigned.status': 'value',
  'syncproof.fields.status': print(id, 'new'),
  'syncproof.base_fields.status': print(id, 'new'),
  'syncproof.overwritten_fields.status': print(id, 'hired'),
})
const sent = (id: string): Attributes => ({
  'syncproof.sync': 'ats',
  'syncproof.fields.status': print(id, 'new'),
})

it('an update that is lost is proven by the spans of its writer, and verified from its witness', async () => {
  await call('lost', rate, lossy('lost'), sent('lost'))
  const [finding, ...more] = await findingsOf('lost')
  expect(more.filter(({ verdict }) => verdict !== 'hazard')).toEqual([])
  expect(finding).toMatchObject({ kind: 'lost-update', verdict: 'proven', fields: ['status'] })
  expect(finding?.cause).toMatchObject({ operation: 'rate', service: 'rating' })
  expect(verifyFinding(finding)).toMatchObject({ result: 'verified' })
})

it('who does not say what it knew is told of nothing', async () => {
  const { 'syncproof.known_versions': _, ...rest } = lossy('unsaid')
  await call('unsaid', rate, rest, sent('unsaid'))
  expect((await findingsOf('unsaid')).filter(({ verdict }) => verdict !== 'hazard')).toEqual([])
})

it('nothing is proven from a span that is not there', async () => {
  await call('unsent', rate, { ...lossy('unsent'), 'syncproof.overwritten_version': 7 })
  const findings = await findingsOf('unsent')
  expect(findings.map(({ kind, verdict }) => `${kind} ${verdict}`)).toEqual(['partial-write indeterminate'])
  // what is missing may come, and be missing still: nobody waits for it
  const { items } = await dev.store.processes.list('default', { limit: 500 })
  const process = items.find(({ id }) => isMadeOfSpans(id))
  expect(process?.stored).toBeGreaterThan(5)
})
