import { createSyncproof } from '@syncproof/sdk'
import { proxy } from '@syncproof/sdk/proxy'
import type { Ats } from './ats.ts'

interface Candidate {
  id: string
  name: string | null
  score: number
  updatedAt: Date | null
}

/** As much of the generated client as is called here. An app has it from `prisma generate`, and makes it so:
 *
 *      const pool = prismaPool(new pg.Pool({ connectionString }))
 *      const db = new PrismaClient({ adapter: new PrismaPg(pool) }).$extends(syncproofPrisma()) */
interface Database {
  readonly candidate: {
    findUnique(args: { where: { id: string } }): Promise<Candidate | null>
    update(args: { where: { id: string }; data: object }): Promise<unknown>
  }
}

/** @param url of the collector */
export function connect(db: Database, ats: Ats, url: string) {
  const syncproof = createSyncproof({ service: 'candidate-api', url, fingerprintKey: 'example' })
  const externalApi = proxy(ats, { system: 'ats', methods: { updateCandidate: { action: 'update' } } })

  const syncCandidate = syncproof.wrap(
    async function syncCandidate(candidateId: string, updates: Partial<Candidate>) {
      const existing = await db.candidate.findUnique({ where: { id: candidateId } })
      const merged = { ...existing, ...updates, updatedAt: new Date() }
      await db.candidate.update({ where: { id: candidateId }, data: merged })
      await externalApi.updateCandidate(candidateId, merged)
      return merged
    },
    { entity: (candidateId) => ({ type: 'candidate', id: candidateId }), syncs: ['ats'] },
  )
  return { syncCandidate, syncproof }
}
