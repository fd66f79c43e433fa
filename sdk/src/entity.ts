import { type EntityRef, isUuid } from '@syncproof/core/contract'
import { isText } from './operation/member.ts'
import { TextMap } from './report/text-map.ts'

/** A record as the app names it. Numbers become their decimal text. */
export interface EntityInput {
  readonly type: string
  readonly id: string | number | bigint
}

/** The entity, or undefined where it is none that an event could carry. */
export function readEntity(input: EntityInput | undefined): EntityRef | undefined {
  if (typeof input !== 'object' || input === null) return undefined
  const { type, id } = input
  const text = typeof id === 'number' || typeof id === 'bigint' ? String(id) : id
  return isText(type) && isText(text) ? TextMap.of({ type, id: text }) : undefined
}

/** The id of an operation, or undefined where it is none that an event could carry. */
export function readOperationId(id: unknown): string | undefined {
  return typeof id === 'string' && isUuid(id) ? id : undefined
}
