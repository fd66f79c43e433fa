import type { PairRow } from '@syncproof/store'

export const pair: PairRow = {
  name: 'candidate',
  entity_type: 'candidate',
  source: 'postgres candidates',
  target: 'http ats',
  every_ms: 900_000,
  grace_ms: 120_000,
  owner: null,
}
