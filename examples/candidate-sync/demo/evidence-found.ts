import type { ReportApi } from './report-api.ts'
import { type Found, writtenXid } from './score.ts'

/** Every finding with the row version that its operation wrote: from its witness, else from the entity's timeline. */
export async function readFound(api: ReportApi): Promise<readonly Found[]> {
  const timelines = new Map<string, Promise<Awaited<ReturnType<ReportApi['timeline']>>>>()
  const timelineOf = (type: string, id: string) => {
    const known = timelines.get(`${type}/${id}`) ?? api.timeline(type, id)
    timelines.set(`${type}/${id}`, known)
    return known
  }
  const found: Found[] = []
  for (const finding of await api.findings()) {
    const { entity, witness } = finding
    const inWitness = writtenXid(finding, witness.events)
    const needsTimeline = inWitness === undefined && entity && finding.cause.operation_id
    const xid = needsTimeline ? writtenXid(finding, await timelineOf(entity.type, entity.id)) : inWitness
    found.push({ finding, xid })
  }
  return found
}
