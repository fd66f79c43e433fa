import { FINDING_KINDS } from '@syncproof/core/contract'
import type { FindingGroup } from '@syncproof/store'
import { z } from 'zod'
import { timeSchema } from './common.ts'
import { component } from './registry.ts'

export const groupStatusSchema = z.enum(['open', 'resolved'])

export const findingGroupSchema: z.ZodType<FindingGroup> = component(
  'FindingGroup',
  z.object({
    id: z.string(),
    kind: z.enum(FINDING_KINDS),
    operation: z.string().nullable().meta({ description: 'Name of the wrapped function.' }),
    entity_type: z.string().nullable(),
    status: groupStatusSchema,
    findings: z.int(),
    calls_since: z
      .int()
      .meta({ description: 'Calls of the function that ended since the last finding joined.' }),
    first_seen_at: timeSchema,
    last_seen_at: timeSchema.meta({ description: 'When the last finding joined.' }),
    resolution: z.object({ at: timeSchema, why: z.string() }).optional(),
  }),
)
