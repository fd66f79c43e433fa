import { createSyncproof } from '@syncproof/sdk'
import { ObservedPostgresDialect } from '@syncproof/sdk/kysely'
import { proxy } from '@syncproof/sdk/proxy'
import { Kysely, type PostgresPool } from 'kysely'
import type { Ats } from './ats.ts'

interface Candidate {
  id: string
  name: string
  stage: string
  updatedAt: Date
}

/** @param url of the collector */
export function connect(pool: PostgresPool, ats: Ats, url: string) {
  const syncproof = createSyncproof({ service: 'candidate-api', url, fingerprintKey: 'example' })
  const db = new Kysely<{ candidates: Candidate }>({ dialect: new ObservedPostgresDialect({ pool }) })
  const externalApi = proxy(ats, { system: 'ats', methods: { updateCandidate: { action: 'update' } } })

  const syncCandidate = syncproof.wrap(
    async function syncCandidate(candidateId: string, updates: Partial<Candidate>) {
      const existing = await db
        .selectFrom('candidates')
        .selectAll()
        .where('id', '=', candidateId)
        .executeTakeFirstOrThrow()
      const merged = { ...existing, ...updates, updatedAt: new Date() }
      await db.updateTable('candidates').set(merged).where('id', '=', candidateId).execute()
      await externalApi.updateCandidate(candidateId, merged)
      return merged
    },
    { entity: (candidateId) => ({ type: 'candidate', id: candidateId }), syncs: ['ats'] },
  )
  return { syncCandidate, syncproof }
}
