import { gzipSync } from 'node:zlib'
import { context, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace'
import { createFingerprinter, isMadeOfSpans } from '@syncproof/core/contract'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { eachEngine } from '../../../tools/testing/stores.ts'
import { type Json, nested } from './make-batch.ts'
import { candidate, makeExport, makeSpan } from './make-span.ts'
import { type OpenedCollector, openCollector, problemOf } from './open-collector.ts'

const print = (id: string, name: string) =>
  createFingerprinter('k').fingerprint({ type: 'candidate', id }, 'name', `s${name.length}:${name}`, 'auto')

/** One call, as an app instruments it: an operation with a read, a write and a sync, and spans of its own between. */
async function callWith(exporter: SpanExporter, id: string): Promise<void> {
  const provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter })] })
  const tracer = provider.getTracer('app')
  const request = tracer.startSpan('POST /rate')
  const within = (span: typeof request) => trace.setSpan(ROOT_CONTEXT, span)
  const operation = tracer.startSpan(
    'rate',
    { attributes: { ...candidate(id), 'syncproof.operation': 'rate', 'syncproof.syncs': ['ats'] } },
    within(request),
  )
  const step = (attributes: object) => {
    const span = tracer.startSpan(
      'step',
      { attributes: { ...candidate(id), ...attributes } },
      within(operation),
    )
    return span
  }
  step({ 'syncproof.read': 'db', 'syncproof.version': 7, 'syncproof.fields.name': print(id, 'A') }).end()
  step({
    'syncproof.write': 'db',
    'syncproof.version': 8,
    'syncproof.known_versions': ['7'],
    'syncproof.overwritten_version': 7,
    'syncproof.overwritten_by_self': false,
    'syncproof.transaction': 'none',
    'syncproof.fields.name': print(id, 'B'),
    'syncproof.assigned.name': 'value',
  }).end()
  const sync = step({ 'syncproof.sync': 'ats', 'http.response.status_code': 503 })
  sync.setStatus({ code: SpanStatusCode.ERROR })
  sync.end()
  operation.end()
  request.end()
  await provider.shutdown()
}

eachEngine('spans', (openStore) => {
  let collector: OpenedCollector
  let key: string
  let url: string

  beforeAll(async () => {
    collector = await openCollector(openStore)
    key = await collector.key('default', 'ingest')
    url = await collector.app.listen({ host: '127.0.0.1', port: 0 })
  })
  afterAll(() => collector.close())
  afterEach(() => {
    vi.unstubAllEnvs()
    context.disable()
  })

  const post = (payload: string | Buffer, headers: Record<string, string> = {}) =>
    collector.send(key, {
      method: 'POST',
      url: '/v1/traces',
      payload,
      headers: { 'content-type': 'application/json', ...headers },
    })
  const send = (body: unknown) => post(JSON.stringify(body))
  const stored = async (id: string, project = 'default') =>
    (await collector.store.events.timeline(project, { type: 'candidate', id }, { limit: 500 })).items
  const metric = async (result: string) => {
    const text = await collector.metrics.getSingleMetricAsString('syncproof_otlp_spans_total')
    return Number(new RegExp(`result="${result}"} (\\d+)`).exec(text)?.[1])
  }

  test.each([
    ['as it is', {}, 'none'],
    ['with gzip', { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' }, 'gzip'],
  ])(
    'what the exporter of OpenTelemetry sends %s becomes an operation, and its key comes from the environment',
    async (_, env, name) => {
      const ignored = await metric('ignored')
      for (const [variable, value] of Object.entries({ ...env, OTEL_EXPORTER_OTLP_ENDPOINT: url }))
        vi.stubEnv(variable, value)
      vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', `Authorization=Bearer%20${key}`)
      await callWith(new OTLPTraceExporter(), `by-exporter-${name}`)
      // by kind: their times are of whole milliseconds, and tell no order of fast calls
      const events = (await stored(`by-exporter-${name}`)).toSorted((a, b) => (a.kind < b.kind ? -1 : 1))
      expect(events.map(({ kind }) => kind)).toEqual(['operation_started', 'read', 'sync', 'write'])
      expect(events).toMatchObject([
        { name: 'rate', syncs: [{ system: 'ats' }] },
        { found: true, fields: { name: print(`by-exporter-${name}`, 'A') } },
        { outcome: 'unknown', status: 503 },
        { overwritten_by_self: false, outcome: 'ok', transaction: 'none' },
      ])
      expect(new Set(events.map((event) => 'operation_id' in event && event.operation_id)).size).toBe(1)
      const [process] = events.map(({ process_id }) => process_id)
      expect(isMadeOfSpans(process ?? '')).toBe(true)
      expect((await metric('ignored')) - ignored).toBe(1)
    },
  )

  test('protobuf is refused with the mend, before it is read', async () => {
    const headers = { authorization: `Bearer ${key}` }
    const exporter = new ProtobufExporter({ url: `${url}/v1/traces`, headers })
    await expect(callWith(exporter, 'protobuf')).rejects.toMatchObject({ code: 415 })
    const response = await post('', { 'content-type': 'application/x-protobuf' })
    expect(response.statusCode).toBe(415)
    expect(problemOf(response)).toMatchObject({
      code: 'unsupported_media_type',
      detail: expect.stringContaining('OTEL_EXPORTER_OTLP_PROTOCOL=http/json'),
    })
    expect(await stored('protobuf')).toEqual([])
  })

  test('spans may be sent any number of times and are stored once', async () => {
    const body = makeExport([
      makeSpan({ ...candidate('twice'), 'syncproof.operation': 'rate' }),
      makeSpan({ ...candidate('twice'), 'syncproof.read': 'db' }),
    ])
    for (const response of await Promise.all([send(body), send(body), send(body)])) {
      expect(response.statusCode).toBe(200)
      expect(response.json()).toEqual({})
    }
    expect(await stored('twice')).toHaveLength(2)
  })

  test('a bad span costs its own events alone, and the answer says which it is and why', async () => {
    const good = makeSpan({ ...candidate('good'), 'syncproof.read': 'db' })
    const value = makeSpan({ ...candidate('bad'), 'syncproof.read': 'db', 'syncproof.fields.name': 'Ada' })
    const old = makeSpan({ ...candidate('bad'), 'syncproof.operation': 'rate' }, {}, Date.UTC(2020, 0))
    const long = makeSpan({ ...candidate('bad'), 'syncproof.operation': 'x'.repeat(5_000) })
    const rejected = await metric('rejected')
    const response = await send(makeExport([value, good, old, long, null]))
    expect(response.statusCode).toBe(200)
    const { partialSuccess } = response.json<{ partialSuccess: Json }>()
    expect(partialSuccess.rejectedSpans).toBe('4')
    const message = String(partialSuccess.errorMessage)
    expect(message).toContain(
      `span ${value.spanId} of trace ${value.traceId}: syncproof.fields.name must be a`,
    )
    expect(message).toContain(`span ${old.spanId} of trace ${old.traceId}: its time`)
    expect(message).not.toContain('Ada')
    expect(await stored('good')).toHaveLength(1)
    expect(await stored('bad')).toEqual([])
    expect((await metric('rejected')) - rejected).toBe(4)
  })

  test('of many bad spans the first few are described and the others counted', async () => {
    const bad = Array.from({ length: 50 }, () => makeSpan({ 'syncproof.read': 'db' }))
    const { partialSuccess } = (await send(makeExport(bad))).json<{ partialSuccess: Json }>()
    expect(partialSuccess.rejectedSpans).toBe('50')
    expect(String(partialSuccess.errorMessage)).toMatch(/and 40 more$/)
  })

  test('processes of one request are kept apart, and a process of spans claims no books', async () => {
    const span = (id: string) => makeSpan({ ...candidate(id), 'syncproof.read': 'db' })
    const [one, two] = ['one', 'two'].map((instance) =>
      makeExport([span('apart')], { 'service.name': 'apart', 'service.instance.id': instance }),
    ) as [{ resourceSpans: unknown[] }, { resourceSpans: unknown[] }]
    expect((await send({ resourceSpans: [...one.resourceSpans, ...two.resourceSpans] })).json()).toEqual({})
    expect(new Set((await stored('apart')).map(({ process_id }) => process_id)).size).toBe(2)
  })

  test.each<[string, string | Buffer, Record<string, string>, number, string]>([
    ['an array', '[]', {}, 400, 'invalid_request'],
    [
      'spans that are no list',
      '{"resourceSpans":[{"scopeSpans":[{"spans":{}}]}]}',
      {},
      400,
      'invalid_request',
    ],
    ['half a body', '{"resourceSpans":', {}, 400, 'malformed_json'],
    [
      'truncated gzip',
      gzipSync('{}').subarray(0, -9),
      { 'content-encoding': 'gzip' },
      400,
      'invalid_encoding',
    ],
    ['10,001 spans', JSON.stringify(makeExport(Array(10_001).fill({}))), {}, 413, 'body_too_large'],
  ])('%s is a problem', async (_, body, headers, status, code) => {
    const response = await post(body, headers)
    expect(response.statusCode).toBe(status)
    expect(problemOf(response).code).toBe(code)
  })

  test('an empty request, and one without a span of ours, are taken', async () => {
    for (const body of [{}, { resourceSpans: [] }, makeExport([makeSpan({ 'http.route': '/' })])]) {
      const response = await send(body)
      expect(response.statusCode).toBe(200)
      expect(response.json()).toEqual({})
    }
  })

  test('no span, whatever is in it, is a fault of ours or costs its neighbour', async () => {
    const name = fc.constantFrom(
      ...['operation', 'read', 'write', 'sync', 'entity.type', 'entity.id', 'fields.__proto__', 'assigned.x'],
      ...['version', 'known_versions', 'outcome', 'attempt', 'found', 'constructor', '__proto__', ''],
    )
    const value = fc.oneof(
      fc.record({ stringValue: fc.string({ unit: 'binary' }) }),
      fc.record({ intValue: fc.oneof(fc.integer(), fc.constantFrom('9223372036854775807', 'x', 1e300)) }),
      fc.record({ boolValue: fc.boolean() }),
      fc.record({ arrayValue: fc.jsonValue() }),
      fc.jsonValue(),
    )
    const attribute = fc.record({ key: name.map((text) => `syncproof.${text}`), value })
    const time = fc.constantFrom<unknown>(
      '',
      '-1',
      '9'.repeat(19),
      '1'.repeat(30),
      1e18,
      null,
      `${Date.now()}000000`,
    )
    const changes = fc.record(
      {
        startTimeUnixNano: time,
        endTimeUnixNano: time,
        parentSpanId: fc.constantFrom('', null, 'x', 'b'.repeat(16)),
        status: fc.jsonValue(),
        events: fc.jsonValue(),
        droppedAttributesCount: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(attribute), changes, async (attributes, changed) => {
        const id = `neighbour-${run++}`
        const bad = { ...makeSpan({}), ...changed, attributes }
        const response = await send(makeExport([bad, makeSpan({ ...candidate(id), 'syncproof.read': 'db' })]))
        expect(response.statusCode).toBe(200)
        expect(await stored(id)).toHaveLength(1)
      }),
      { numRuns: 100 },
    )
    const deep = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"arrayValue":{"values":${nested(100_000)}}}}]},"scopeSpans":[{"spans":[{"attributes":[{"key":"syncproof.read","value":{"arrayValue":{"values":${nested(100_000)}}}}]}]}]}]}`
    expect((await post(deep)).json()).toMatchObject({ partialSuccess: { rejectedSpans: '1' } })
  })
})
