import { defineFields, ignore, instant, integer, text } from '@syncproof/sdk'

/** How the fields of a candidate compare, the same for the app and for the reconciler. */
export const candidateFields = defineFields({
  id: text(),
  name: text(),
  email: text(),
  phone: text(),
  stage: text(),
  score: integer(),
  notes: text(),
  updatedBy: text(),
  updatedAt: instant({ precision: 'ms' }),
  // a trigger gives it to each version, so what the app sends to the ATS is always the one before
  revision: ignore(),
})
