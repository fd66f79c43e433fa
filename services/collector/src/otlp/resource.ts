import type { ProcessReport } from '@syncproof/core/contract'
import { findHostile } from '../http/guard.ts'
import { attributeOf, isJson, type Json, listOf, readValue } from './otlp-span.ts'
import { processIdOf } from './span-ids.ts'

/** What OpenTelemetry itself calls a service that says no name. */
const NAMELESS = 'unknown_service'

/** The process that a resource stands for. With `service.instance.id` it is known by that and its service; without, by
 *  everything that the resource says. Two processes that say the same are taken for one: of a process that is made of
 *  spans nothing is claimed that rests on being one. */
export function processOf(resource: unknown): ProcessReport {
  const attributes = isJson(resource) ? resource.attributes : undefined
  const text = (key: string) => textOf(attributeOf(attributes, key))
  const service = text('service.name') ?? NAMELESS
  const namespace = text('service.namespace') ?? ''
  const instance = text('service.instance.id')
  const identity =
    instance === undefined ? everythingIn(attributes) : JSON.stringify([namespace, service, instance])
  const release = text('service.version')
  const host = text('host.name')
  return {
    id: processIdOf(identity),
    service,
    ...(release !== undefined && { release }),
    ...(host !== undefined && { host }),
  }
}

/** What could not be stored is no name: it must not cost the spans that come with it. */
function textOf(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : value
  return typeof text === 'string' && text !== '' && findHostile(text) === undefined ? text : undefined
}

/** In an order of its own: exporters may give attributes in any. */
function everythingIn(attributes: unknown): string {
  const all = (listOf(attributes) ?? []).filter((attribute): attribute is Json => isJson(attribute))
  return JSON.stringify(
    all.map(({ key, value }) => JSON.stringify([String(key), readValue(value) ?? null])).sort(),
  )
}
