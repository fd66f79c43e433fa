import { createAtsClient } from './ats-client.ts'
import type { Candidate } from './candidate.ts'
import { db } from './database.ts'
import { syncproof } from './syncproof.ts'

const externalApi = createAtsClient({
  url: process.env.ATS_URL ?? 'http://127.0.0.1:3001',
  timeoutMs: Number(process.env.ATS_TIMEOUT_MS ?? 2_000),
})

/** Changes a candidate in the database and at the ATS. */
export const syncCandidate = syncproof.wrap(
  async function syncCandidate(candidateId: string, updates: Partial<Candidate>) {
    const existing = await syncproof.read('db', () =>
      db.candidates.findUnique({ where: { id: candidateId } }),
    )
    const merged = { ...existing, ...updates, updatedAt: new Date() }
    await syncproof.write('db', merged, () =>
      db.candidates.update({ where: { id: candidateId }, data: merged }),
    )
    await syncproof.sync('ats', merged, () => externalApi.updateCandidate(candidateId, merged))
    return merged
  },
  { entity: (candidateId) => ({ type: 'candidate', id: candidateId }), syncs: ['ats'] },
)
