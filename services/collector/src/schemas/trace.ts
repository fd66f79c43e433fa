import { z } from 'zod'
import { component } from './registry.ts'

export const traceBodySchema = component(
  'ExportTraceServiceRequest',
  z
    .looseObject({
      resourceSpans: z.array(z.looseObject({})).optional(),
    })
    .meta({ description: 'As OpenTelemetry defines it, in the JSON encoding of OTLP.' }),
)

export const traceAnswerSchema = component(
  'ExportTraceServiceResponse',
  z.object({
    partialSuccess: z
      .object({
        rejectedSpans: z.string().meta({ description: 'A whole number, as text.' }),
        errorMessage: z.string().meta({ description: 'Which spans, and what is wrong with each.' }),
      })
      .optional()
      .meta({ description: 'Absent where every span was taken or ignored.' }),
  }),
)
