import type { EntityRef } from '@syncproof/core/contract'
import type { Batch } from './batch.ts'

export const COPY_EVENTS = `copy syncproof.events (project_id, lane, process_id, id, seq, kind, operation_id, entity_type,
  entity_id, entity_hash, at, payload) from stdin`

/** Lines of PostgreSQL's COPY text format, one an event. @param hashOf as `syncproof.entity_hash`, a bigint as text */
export function copyText(
  { projectId, process, events }: Batch,
  lane: number,
  hashOf: (entity: EntityRef) => string,
): Buffer {
  const origin = `${copyEscaped(projectId)}\t${lane}\t${process.id}\t`
  let text = ''
  for (const event of events) {
    const entity = entityOf(event)
    const about = entity
      ? `${copyEscaped(entity.type)}\t${copyEscaped(entity.id)}\t${hashOf(entity)}`
      : '\\N\t\\N\t\\N'
    const operation = 'operation_id' in event ? (event.operation_id ?? '\\N') : '\\N'
    text += `${origin}${event.id}\t${event.seq}\t${copyEscaped(event.kind)}\t${operation}\t${about}\t${event.at}\t${copyEscaped(JSON.stringify(event))}\n`
  }
  return Buffer.from(text)
}

/** An entity has a type and an id that are texts, or the event is about none: an unknown kind may have anything there. */
export function entityOf(event: Batch['events'][number]): EntityRef | undefined {
  const { entity } = event as { readonly entity?: Partial<EntityRef> | null }
  return typeof entity?.type === 'string' && typeof entity.id === 'string' ? (entity as EntityRef) : undefined
}

const SPECIAL = /[\\\t\n\r]/
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

function copyEscaped(text: string): string {
  return SPECIAL.test(text) ? text.replace(/[\\\t\n\r]/g, (character) => ESCAPES[character] ?? '') : text
}
