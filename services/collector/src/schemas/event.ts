import type { BatchReceipt, RejectedEvent, StoredEvent } from '@syncproof/core/contract'
import { batchSchema, eventSchemas, opaqueEventSchema } from '@syncproof/core/contract/schema'
import { z } from 'zod'
import { component } from './registry.ts'

export const batchBodySchema = component('EventBatch', batchSchema)

for (const [kind, schema] of Object.entries(eventSchemas)) component(`${pascalCase(kind)}Event`, schema)
component('OpaqueEvent', opaqueEventSchema)

/** What is held against an event. Telemetry that contradicts itself is kept, shown as such, and proves nothing. */
const doubts = {
  inconsistent: z
    .object({
      contradicts: z.enum(['sequence', 'operation', 'version']).meta({
        description:
          'What both cannot have: a sequence number of their process; a start, an end, or this order of them, of their operation; the version that their writes made.',
      }),
      event_id: z.string().nullable().meta({
        description: 'The event that came first and stands; null where it is not known. It may have expired.',
      }),
    })
    .optional()
    .meta({
      description:
        'Only where this event contradicts one that was stored before it: it proves nothing, and takes nothing back.',
    }),
  inconsistent_copies: z
    .object({
      count: z.int().meta({ description: 'Other contents; one that came several times counts once.' }),
      differs: z.array(z.string()).meta({ description: 'Members that are not the same, ascending.' }),
    })
    .optional()
    .meta({
      description:
        'Only where the id of this event came again with other content: this event stands, the copies are not kept and prove nothing.',
    }),
}

/** An event as it came, with the process that sent it. It was checked by the schema of its kind when it was accepted;
 *  on the way out only what every event has is looked at. */
export const storedEventSchema = component(
  'StoredEvent',
  z
    .looseObject({
      id: z.string(),
      seq: z.int(),
      kind: z.string(),
      at: z.string(),
      monotonic_us: z.number(),
      process_id: z.string(),
      ...doubts,
    })
    .meta({ description: 'Further members by kind, as in EventBatch.' }),
) as unknown as z.ZodType<StoredEvent>

const rejectedSchema: z.ZodType<RejectedEvent> = component(
  'RejectedEvent',
  z.object({
    index: z.int().meta({ description: 'Position in events.' }),
    code: z.string(),
    pointer: z.string().meta({ description: 'RFC 6901, into the batch.' }),
    message: z.string(),
  }),
)

export const receiptSchema: z.ZodType<BatchReceipt> = component(
  'BatchReceipt',
  z.object({ accepted: z.int(), duplicates: z.int(), rejected: z.array(rejectedSchema) }),
)

function pascalCase(kind: string): string {
  return kind.replace(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase())
}
