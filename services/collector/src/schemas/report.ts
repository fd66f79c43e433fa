import { DIVERGENCE_KINDS } from '@syncproof/core/contract'
import type { Coverage, Divergence, PairRow, Progress, Report } from '@syncproof/store'
import { z } from 'zod'
import { timeSchema } from './common.ts'
import { component } from './registry.ts'

const coverageSchema: z.ZodType<Coverage> = component(
  'Coverage',
  z.object({
    source_records: z.int(),
    target_records: z.int(),
    compared: z.int(),
    indeterminate: z.int(),
    unread: z.int().nullable().meta({ description: 'null where it is not known how many.' }),
    requests: z.int(),
  }),
)

const progressSchema: z.ZodType<Progress> = component(
  'Progress',
  z.object({
    source_records: z.int(),
    target_records: z.int(),
    estimated_records: z
      .int()
      .nullable()
      .meta({ description: 'About how many a side has; null where nobody knows.' }),
    records_per_second: z.int().meta({ description: 'Of both sides, since the run began.' }),
    seconds_left: z
      .int()
      .nullable()
      .meta({ description: 'Until both sides are read; null where nobody knows. Rechecks come after that.' }),
    segments: z.int(),
    segments_done: z.int(),
  }),
)

export const reportSchema: z.ZodType<Report> = component(
  'Report',
  z.object({
    id: z.string(),
    pair: z.string(),
    state: z.enum(['queued', 'running', 'finished']),
    result: z.enum(['clean', 'diverged', 'unknown']).nullable(),
    problem: z.object({ code: z.string(), detail: z.string() }).nullable(),
    trigger: z.enum(['schedule', 'request', 'unknown-outcome']),
    keys: z.array(z.string()).nullable(),
    baseline: z
      .boolean()
      .meta({ description: 'The first whole run of the pair, or the first by these field rules.' }),
    rules: z.string().nullable().meta({ description: 'Version of the declared field rules.' }),
    self_test: z.enum(['passed', 'failed']).nullable(),
    coverage: coverageSchema.nullable(),
    diverged: z.int(),
    maintenance: z.string().nullable().meta({
      description:
        'Reason of a maintenance window that was on while it ran: pages were held back. Else null.',
    }),
    progress: progressSchema.nullable(),
    requested_at: timeSchema,
    started_at: timeSchema.nullable(),
    finished_at: timeSchema.nullable(),
  }),
)

export const divergenceSchema: z.ZodType<Divergence> = component(
  'Divergence',
  z.object({
    key: z.string(),
    kind: z.enum(DIVERGENCE_KINDS),
    verdict: z.enum(['observed', 'indeterminate']),
    fields: z.array(z.string()),
    reason: z.string().nullable(),
    finding_id: z.string().nullable(),
    source_observed_at: timeSchema.nullable(),
    target_observed_at: timeSchema.nullable(),
  }),
)

type PairState = PairRow & { readonly last_report: Report | null; readonly last_success_at: string | null }

export const pairSchema: z.ZodType<PairState> = component(
  'Pair',
  z.object({
    name: z.string(),
    entity_type: z.string(),
    source: z.string(),
    target: z.string(),
    every_ms: z.number().nullable(),
    grace_ms: z.number(),
    owner: z.string().nullable(),
    last_report: reportSchema.nullable(),
    last_success_at: timeSchema.nullable(),
  }),
)
