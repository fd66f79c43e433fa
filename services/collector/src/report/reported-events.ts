import type { Finding, StoredEvent } from '@syncproof/core/contract'
import type { EventDoubts, Page, ReportedEvent } from '@syncproof/store'
import type { ReportReads } from '../replica/report-reads.ts'

type Doubts = Pick<ReportReads, 'inconsistencies'>

/** Events with what is held against them, as every answer that lists events shows them. Whatever a sender wrote into an
 *  event under these names is not shown. */
export async function reportedEvents(
  reads: Doubts,
  project: string,
  events: readonly StoredEvent[],
): Promise<readonly ReportedEvent[]> {
  const doubts = await reads.inconsistencies.doubts(project, idsOf(events))
  return events.map((event) => withDoubts(event, doubts))
}

/** Findings with what is held against the events of their witnesses: one may have been marked after it was judged. */
export async function reportedFindings(
  reads: Doubts,
  project: string,
  findings: readonly Finding[],
): Promise<readonly Finding[]> {
  const ids = findings.flatMap(({ witness }) => idsOf(witness.events))
  const doubts = await reads.inconsistencies.doubts(project, [...new Set(ids)])
  return findings.map((finding) => {
    const events = finding.witness.events.map((event) => withDoubts(event, doubts))
    return { ...finding, witness: { ...finding.witness, events } }
  })
}

export async function reportedPage<T>(
  page: Page<T>,
  report: (items: readonly T[]) => Promise<readonly T[]>,
): Promise<Page<T>> {
  return { ...page, items: await report(page.items) }
}

function idsOf(events: readonly StoredEvent[]): readonly string[] {
  return events.map(({ id }) => id)
}

function withDoubts(event: StoredEvent, doubts: ReadonlyMap<string, EventDoubts>): ReportedEvent {
  const { inconsistent: _, inconsistent_copies: __, ...told } = event as ReportedEvent
  return { ...told, ...doubts.get(event.id) } as ReportedEvent
}
