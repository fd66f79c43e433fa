import { randomBytes } from 'node:crypto'
import type { Json } from './make-batch.ts'

export type Attributes = Readonly<Record<string, string | number | boolean | readonly string[]>>

export const traceId = (): string => randomBytes(16).toString('hex')
export const spanId = (): string => randomBytes(8).toString('hex')

/** A span of OTLP/JSON that took 5 ms, now; `changes` are laid over it. */
export function makeSpan(attributes: Attributes, changes: Json = {}, startMs = Date.now()): Json {
  return {
    traceId: traceId(),
    spanId: spanId(),
    parentSpanId: spanId(),
    name: 'work',
    kind: 1,
    startTimeUnixNano: `${startMs}000000`,
    endTimeUnixNano: `${startMs + 5}000000`,
    attributes: Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) })),
    droppedAttributesCount: 0,
    events: [],
    links: [],
    status: { code: 0 },
    ...changes,
  }
}

function anyValue(value: Attributes[string]): Json {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: value } : { doubleValue: value }
  return { arrayValue: { values: value.map((stringValue) => ({ stringValue })) } }
}

/** An ExportTraceServiceRequest of one process. */
export function makeExport(
  spans: readonly unknown[],
  resource: Attributes = { 'service.name': 'rating' },
): Json {
  const attributes = Object.entries(resource).map(([key, value]) => ({ key, value: anyValue(value) }))
  return { resourceSpans: [{ resource: { attributes }, scopeSpans: [{ scope: { name: 't' }, spans }] }] }
}

/** What a span about one candidate says of it. */
export const candidate = (id: string): Attributes => ({
  'syncproof.entity.type': 'candidate',
  'syncproof.entity.id': id,
})
