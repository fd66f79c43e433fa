import { ALERT_STATES, FINDING_KINDS, SEVERITIES } from '@syncproof/core/contract'
import type { FindingGroup, GroupAlert } from '@syncproof/store'
import { z } from 'zod'
import { timeSchema } from './common.ts'
import { component } from './registry.ts'

export const groupStatusSchema = z.enum(['open', 'resolved'])

const groupAlertSchema: z.ZodType<GroupAlert> = component(
  'GroupAlert',
  z.object({
    sink: z.string(),
    state: z.enum(ALERT_STATES),
    status: z.enum(['waiting', 'delivered', 'given_up']),
    attempts: z.int(),
    answer: z.string().nullable().meta({ description: 'What came back last; null before the first try.' }),
    decided_at: timeSchema,
    due_at: timeSchema.nullable().meta({ description: 'When it is tried next; null where it has ended.' }),
    ended_at: timeSchema.nullable(),
  }),
)

export const findingGroupSchema: z.ZodType<FindingGroup> = component(
  'FindingGroup',
  z.object({
    id: z.string(),
    kind: z.enum(FINDING_KINDS),
    operation: z.string().nullable().meta({ description: 'Name of the wrapped function.' }),
    entity_type: z.string().nullable(),
    pair: z.string().nullable().meta({ description: 'Of divergences: the pair.' }),
    severity: z.enum(SEVERITIES).meta({ description: 'The worst of its findings since it was opened.' }),
    status: groupStatusSchema,
    muted: z.boolean().meta({ description: 'Nobody is told of it.' }),
    maintenance: z.string().nullable().meta({
      description: 'Reason of the maintenance window that holds pages back now; else null.',
    }),
    findings: z.int(),
    calls_since: z
      .int()
      .meta({ description: 'Calls of the function that ended since the last finding joined.' }),
    first_seen_at: timeSchema,
    opened_at: timeSchema.meta({ description: 'Since when it has been open without a break.' }),
    last_seen_at: timeSchema.meta({
      description: 'When the last finding joined, or of divergences when one was last seen.',
    }),
    resolution: z.object({ at: timeSchema, why: z.string() }).optional(),
    alerts: z.array(groupAlertSchema).meta({
      description: 'What each sink has been told and is still to be told: the last 20, newest first.',
    }),
  }),
)
