import type { OperationRow } from '@syncproof/store'
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
