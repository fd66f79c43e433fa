import { createSyncproof } from '@syncproof/sdk'
import { candidateFields } from './candidate-fields.ts'

// SYNCPROOF_URL, SYNCPROOF_API_KEY and SYNCPROOF_FINGERPRINT_KEY come from the environment
export const syncproof = createSyncproof({
  service: 'candidate-api',
  entities: { candidate: { fields: candidateFields } },
})
