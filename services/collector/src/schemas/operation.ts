import type { OperationRow, ProcessRow } from '@syncproof/store'
import { z } from 'zod'
import { entitySchema, timeSchema } from './common.ts'
import { component } from './registry.ts'

export const operationSchema: z.ZodType<OperationRow> = component(
  'Operation',
  z.object({
    operation_id: z.string(),
    root_operation_id: z.string(),
    name: z.string(),
    entity: entitySchema,
    process_id: z.string(),
    service: z.string(),
    release: z.string().nullable(),
    started_at: timeSchema,
    finished_at: timeSchema.nullable(),
    outcome: z.enum(['ok', 'failed']).nullable(),
    retries: z.int(),
  }),
)

export const processSchema: z.ZodType<ProcessRow> = component(
  'Process',
  z.object({
    id: z.string(),
    service: z.string(),
    release: z.string().nullable(),
    host: z.string().nullable(),
    first_seen_at: timeSchema,
    last_seen_at: timeSchema,
    ended: z.boolean(),
    // a sender may claim a sequence up to 2^53: sums of such are no safe integers any more
    produced: z.number(),
    stored: z.number(),
    dropped: z.record(z.string(), z.number()),
    unaccounted: z
      .number()
      .meta({ description: 'Produced, neither stored nor dropped: in flight, or lost.' }),
    inconsistent: z.number().meta({
      description:
        'Events that contradict one that was stored before, and prove nothing. Of those stored, but for copies that came under the id of another: of such the first alone is stored.',
    }),
  }),
)
