import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { createSyncproof, type SyncproofOptions, type SyncproofWarning } from '../src/index.ts'
import { type RecordingServer, recordingServer } from './recording-server.ts'

const exporter = new InMemorySpanExporter()
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
const tracer = provider.getTracer('test')
let server: RecordingServer

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
})
afterAll(() => context.disable())
beforeEach(async () => {
  exporter.reset()
  server = await recordingServer()
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await server.close()
})

const entity = (id: string) => ({ type: 'thing', id })
const client = (options: Partial<SyncproofOptions> = {}) =>
  createSyncproof({ service: 'test', url: server.url, fingerprintKey: 'k', ...options })

it('an operation names the trace and the span that it ran in', async () => {
  const syncproof = client()
  const inner = syncproof.wrap((_id: string) => {}, { name: 'inner', entity })
  const outer = syncproof.wrap(
    async (id: string) => {
      await Promise.resolve()
      tracer.startActiveSpan('child', (span) => {
        inner(id)
        span.end()
      })
    },
    { name: 'outer', entity },
  )
  await tracer.startActiveSpan('parent', async (span) => {
    await outer('a')
    span.end()
  })
  await syncproof.shutdown()
  const spans = exporter.getFinishedSpans()
  const told = server
    .ofKind('operation_started')
    .map(({ name, trace_id, span_id }) => [name, trace_id, span_id])
  const ids = (name: string) => {
    const of = spans.find((span) => span.name === name)?.spanContext()
    return [of?.traceId, of?.spanId]
  }
  expect(told).toEqual([
    ['outer', ...ids('parent')],
    ['inner', ...ids('child')],
  ])
  expect(spans.flatMap((span) => Object.keys(span.attributes))).toEqual([])
})

it('outside a span, and where the span is of no trace, it names none', async () => {
  const syncproof = client()
  const sync = syncproof.wrap((_id: string) => {}, { entity })
  sync('a')
  const invalid = trace.wrapSpanContext({ traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 })
  context.with(trace.setSpan(ROOT_CONTEXT, invalid), () => sync('b'))
  await syncproof.shutdown()
  for (const event of server.ofKind('operation_started')) {
    expect(event).not.toHaveProperty('trace_id')
    expect(event).not.toHaveProperty('span_id')
  }
})

it('a span shows its operation where the app asks for it, and no id of a record', async () => {
  const syncproof = client({ spanAttributes: true })
  const inner = syncproof.wrap((_id: string) => {}, { name: 'inner', entity })
  const outer = syncproof.wrap((id: string) => inner(id), { name: 'outer', entity })
  tracer.startActiveSpan('request', (span) => {
    outer('personal-id')
    span.end()
  })
  await syncproof.shutdown()
  const [started] = server.ofKind('operation_started')
  expect(exporter.getFinishedSpans()[0]?.attributes).toEqual({
    'syncproof.operation_id': started?.operation_id,
    'syncproof.operation': 'outer',
    'syncproof.entity_type': 'thing',
  })
})

it('a context manager or a span that throws does not reach the app', async () => {
  const syncproof = client({ spanAttributes: true })
  const sync = syncproof.wrap((_id: string) => 7, { entity })
  const hostile = {
    spanContext: () => {
      throw new Error('mine')
    },
    setAttributes: () => {
      throw new Error('mine')
    },
  }
  const inHostile = ROOT_CONTEXT.setValue(Symbol.for('OpenTelemetry Context Key SPAN'), hostile)
  expect(context.with(inHostile, () => sync('a'))).toBe(7)
  await syncproof.shutdown()
  expect(server.events().map((event) => event.kind)).toEqual([
    'operation_started',
    'operation_finished',
    'process_ended',
  ])
})

it('the process goes by the name and version that OpenTelemetry gives it', async () => {
  vi.stubEnv('OTEL_SERVICE_NAME', 'candidate-api')
  vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', 'service.version=4.2.0')
  const syncproof = createSyncproof({ url: server.url, fingerprintKey: 'k' })
  await syncproof.shutdown()
  expect(server.requests.at(-1)?.batch.process).toMatchObject({ service: 'candidate-api', release: '4.2.0' })
})

it('what the app says of itself comes first', async () => {
  vi.stubEnv('OTEL_SERVICE_NAME', 'other')
  const syncproof = client({ service: 'mine', release: '1' })
  await syncproof.shutdown()
  expect(server.requests.at(-1)?.batch.process).toMatchObject({ service: 'mine', release: '1' })
})

it('OTEL_SDK_DISABLED turns reporting off, says so once, and the app goes on', async () => {
  vi.stubEnv('OTEL_SDK_DISABLED', 'true')
  const warnings: SyncproofWarning[] = []
  const syncproof = client({ onWarning: (warning) => warnings.push(warning) })
  expect(syncproof.wrap((id: string) => `${id}!`, { entity })('a')).toBe('a!')
  expect(await syncproof.shutdown()).toEqual({ sent: 0, dropped: 0, pending: 0 })
  expect(server.requests).toEqual([])
  expect(warnings.map((warning) => warning.code)).toEqual(['disabled'])
})
