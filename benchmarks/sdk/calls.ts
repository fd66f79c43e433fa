import { context, SpanKind, type Tracer, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'

/** One way to run the same call. */
export interface Variant {
  readonly name: string
  readonly call: (id: string, updates: { score: number }) => Promise<unknown>
  /** Everything that was made has been sent. */
  readonly flush: () => Promise<void>
}

interface Candidate {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly stage: string
  readonly score: number
  readonly updatedAt: Date
}

async function read(id: string): Promise<Candidate> {
  return { id, name: 'Ann Lee', email: 'ann@example.com', stage: 'screen', score: 1, updatedAt: new Date(0) }
}
async function write(record: Candidate): Promise<{ rowCount: number; command: string }> {
  return { rowCount: record.id === '' ? 0 : 1, command: 'UPDATE' }
}
async function send(record: Candidate): Promise<{ status: number; headers: object }> {
  return { status: record.id === '' ? 500 : 200, headers: {} }
}
const nothing = async () => {}

export const bare: Variant = {
  name: 'bare',
  async call(id, updates) {
    const existing = await read(id)
    const merged = { ...existing, ...updates, updatedAt: new Date() }
    await write(merged)
    await send(merged)
    return merged
  },
  flush: nothing,
}

/** The SDK as it is published: `sdk/dist`. */
export async function observed(url: string): Promise<Variant> {
  const built = new URL('../../sdk/dist/index.js', import.meta.url).href
  const { createSyncproof } = (await import(built)) as typeof import('@syncproof/sdk')
  const syncproof = createSyncproof({ service: 'bench', url, fingerprintKey: 'bench' })
  return {
    name: 'syncproof',
    call: syncproof.wrap(
      async function syncCandidate(id: string, updates: { score: number }) {
        const existing = await syncproof.read('db', () => read(id))
        const merged = { ...existing, ...updates, updatedAt: new Date() }
        await syncproof.write('db', merged, () => write(merged))
        await syncproof.sync('ats', merged, () => send(merged))
        return merged
      },
      { entity: (id) => ({ type: 'candidate', id }), syncs: ['ats'] },
    ),
    async flush() {
      const { dropped, pending } = await syncproof.flush()
      if (dropped + pending > 0) throw new Error(`${dropped} events were dropped, ${pending} are pending`)
    },
  }
}

// what @opentelemetry/instrumentation-pg 0.77.0 and -undici 0.34.0 set on the spans of such a call, as recorded from them
const DATABASE = { 'db.system.name': 'postgresql', 'db.namespace': 'app', 'server.address': 'db.local' }
const SELECT = { ...DATABASE, 'server.port': 5432, 'db.query.text': 'SELECT * FROM candidates WHERE id = $1' }
const UPDATE = {
  ...DATABASE,
  'server.port': 5432,
  'db.query.text': 'UPDATE candidates SET name = $2, email = $3, stage = $4, score = $5 WHERE id = $1',
}
const REQUEST = {
  'http.request.method': 'PATCH',
  'http.request.method_original': 'PATCH',
  'url.full': 'https://ats.example.com/v1/candidates/c-1',
  'url.path': '/v1/candidates/c-1',
  'url.query': '',
  'url.scheme': 'https',
  'server.address': 'ats.example.com',
  'server.port': 443,
  'user_agent.original': 'node',
}
const CONNECTION = {
  'network.peer.address': '203.0.113.7',
  'network.peer.port': 443,
  'network.protocol.version': '1.1',
}

/** The four spans, and one span with three events. */
export function traced(url: string): readonly Variant[] {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const exporter = new OTLPTraceExporter({ url: `${url}/v1/traces` })
  const provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter })] })
  const tracer = provider.getTracer('bench')
  const flush = () => provider.forceFlush()
  return [
    { name: 'four spans', call: fourSpans(tracer), flush },
    { name: 'span with events', call: spanWithEvents(tracer), flush },
  ]
}

function fourSpans(tracer: Tracer): Variant['call'] {
  const child = <T>(name: string, attributes: Record<string, string | number>, run: () => Promise<T>) => {
    const span = tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes })
    return context.with(trace.setSpan(context.active(), span), async () => {
      try {
        return await run()
      } finally {
        span.end()
      }
    })
  }
  return (id, updates) =>
    tracer.startActiveSpan('syncCandidate', async (span) => {
      const existing = await child('SELECT candidates', SELECT, () => read(id))
      const merged = { ...existing, ...updates, updatedAt: new Date() }
      await child('UPDATE candidates', UPDATE, () => write(merged))
      await child('PATCH', REQUEST, async () => {
        const answer = await send(merged)
        const sent = trace.getActiveSpan()
        sent?.setAttributes(CONNECTION)
        sent?.setAttribute('http.response.status_code', answer.status)
      })
      span.end()
      return merged
    })
}

function spanWithEvents(tracer: Tracer): Variant['call'] {
  return (id, updates) =>
    tracer.startActiveSpan('syncCandidate', async (span) => {
      const existing = await read(id)
      span.addEvent('read', SELECT)
      const merged = { ...existing, ...updates, updatedAt: new Date() }
      await write(merged)
      span.addEvent('write', UPDATE)
      const answer = await send(merged)
      span.addEvent('sync', { ...REQUEST, ...CONNECTION, 'http.response.status_code': answer.status })
      span.end()
      return merged
    })
}
