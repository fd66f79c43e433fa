import { setTimeout as pause } from 'node:timers/promises'
import { gaveWay, type Store, StoreUnavailableError } from '@syncproof/store'
import { replicaUnavailable } from '../http/problems.ts'
import { collectorLimits } from '../limits.ts'
import type { ReportReads } from './report-reads.ts'

/** Reads from a replica. One that gave way to what the replica replays is tried again; what cannot be read is a problem of
 *  its own, so that nobody takes the database for away. Something with an id that the replica does not have yet is looked for
 *  where it was written: who has just made it can read it.
 *  @param primary asked only for what the replica does not have */
export function replicaReads(primary: Store, replica: Store): ReportReads {
  const { findings, groups, processes, reports } = replica
  return {
    events: { timeline: trying(replica.events.timeline) },
    dumps: { page: trying(replica.dumps.page) },
    findings: { list: trying(findings.list), get: orElse(trying(findings.get), primary.findings.get) },
    groups: { list: trying(groups.list), get: orElse(trying(groups.get), primary.groups.get) },
    inconsistencies: { doubts: trying(replica.inconsistencies.doubts) },
    operations: { list: trying(replica.operations.list) },
    processes: {
      list: trying(processes.list),
      minutes: orElse(trying(processes.minutes), primary.processes.minutes),
    },
    reports: {
      pairs: trying(reports.pairs),
      list: trying(reports.list),
      get: orElse(trying(reports.get), primary.reports.get),
      async divergences(projectId, id, page) {
        // a report that was found on the primary has its records there: none here would read as none at all
        const isHere = (await trying(reports.get)(projectId, id))?.state === 'finished'
        return isHere
          ? trying(reports.divergences)(projectId, id, page)
          : primary.reports.divergences(projectId, id, page)
      },
    },
    sections: { list: trying(replica.sections.list) },
  }
}

type Read<A extends readonly unknown[], R> = (...args: A) => Promise<R>

function trying<A extends readonly unknown[], R>(read: Read<A, R>): Read<A, R> {
  return async (...args) => {
    for (let tries = 1; ; tries++) {
      try {
        return await read(...args)
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) throw error
        if (!gaveWay(error) || tries >= collectorLimits.replicaTriesMax) throw replicaUnavailable(error)
        await pause(collectorLimits.replicaPauseMs * tries)
      }
    }
  }
}

function orElse<A extends readonly unknown[], R>(
  read: Read<A, R | undefined>,
  other: Read<A, R | undefined>,
): Read<A, R | undefined> {
  return async (...args) => (await read(...args)) ?? (await other(...args))
}
