import { randomUUID } from 'node:crypto'
import type { StoredEvent } from '@syncproof/core/contract'

/** Simulated events as an SDK would have made them just now: UUIDs instead of short ids, and rows and entities of
 *  their own, so that two simulations share nothing. Processes keep the last digit of their ids.
 *  @param number differs for each simulation of a test */
export function relocate(events: readonly StoredEvent[], number: number): readonly StoredEvent[] {
  const renamed = new Map<string, string>()
  const uuidOf = (id: string, last = '') => {
    const uuid = renamed.get(id) ?? `${randomUUID().slice(0, 36 - last.length)}${last}`
    renamed.set(id, uuid)
    return uuid
  }
  const startMs = Date.now()
  const move = (value: unknown, member: string): unknown => {
    if (Array.isArray(value)) return value.map((each) => move(each, member))
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, move(each, key)]))
    if (typeof value !== 'string') return value
    if (member === 'process_id') return uuidOf(value, value.at(-1))
    if (member.endsWith('operation_id') || member === 'on_behalf_of') return uuidOf(value)
    if (member === 'unique_key') return `${value}-${number}`
    return value.replace('7%2Fapp', `7%2Fapp-${number}`)
  }
  return events.map((event, index) => {
    const moved = move(event, '') as StoredEvent
    const entity = 'entity' in event && { entity: { ...event.entity, id: `${number}-${event.entity.id}` } }
    const name = event.kind === 'operation_started' && { name: `${event.name}-${number}` }
    return { ...moved, ...entity, ...name, id: uuidV7(startMs, index) } as StoredEvent
  })
}

function uuidV7(timeMs: number, index: number): string {
  const time = timeMs.toString(16).padStart(12, '0')
  const order = index.toString(16).padStart(3, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${order}-8${randomUUID().slice(20)}`
}
