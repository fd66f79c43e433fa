import type { BatchReceipt, RejectedEvent, StoredEvent } from '@syncproof/core/contract'
import { batchSchema, eventSchemas, opaqueEventSchema } from '@syncproof/core/contract/schema'
import { z } from 'zod'
import { component } from './registry.ts'

export const batchBodySchema = component('EventBatch', batchSchema)

for (const [kind, schema] of Object.entries(eventSchemas)) component(`${pascalCase(kind)}Event`, schema)
component('OpaqueEvent', opaqueEventSchema)

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
