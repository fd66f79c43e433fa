import { setTimeout as sleep } from 'node:timers/promises'
import type { Finding } from '@syncproof/core/contract'
import type { ReportApi } from './report-api.ts'
import type { Screen } from './screen.ts'

const POLL_MS = 1_000
/** Asked for again at each poll, so that a finding which commits late is not passed over. */
const OVERLAP_MS = 5_000
/** Printed one by one; more are only counted. */
const SHOWN_MAX = 16
const SHOWN_OF_A_KIND_MAX = 4
const PROGRESS_EVERY_POLLS = 5

interface FindingsFeed {
  /** Looks once more, prints what is new and how many were not shown, and ends. */
  stop(): Promise<void>
}

/** Prints findings as the report API gets to know them.
 *  @param progress a few words on how far the traffic is, printed at times */
export function startFeed(api: ReportApi, screen: Screen, progress: () => string): FindingsFeed {
  const seen = new Set<string>()
  const shownOfKind = new Map<string, number>()
  let shown = 0
  let stopped = false
  let sinceMs = Date.now()

  function show(finding: Finding): void {
    const ofKind = shownOfKind.get(finding.kind) ?? 0
    if (shown >= SHOWN_MAX || ofKind >= SHOWN_OF_A_KIND_MAX) return
    shown += 1
    shownOfKind.set(finding.kind, ofKind + 1)
    screen.say(findingLine(finding, screen.columns), 4)
  }

  async function poll(): Promise<void> {
    const askedMs = Date.now()
    const findings = await api.findings(new Date(sinceMs - OVERLAP_MS))
    sinceMs = askedMs
    for (const finding of findings.toReversed()) {
      if (seen.has(finding.id)) continue
      seen.add(finding.id)
      show(finding)
    }
  }

  const polling = (async () => {
    for (let polls = 1; !stopped; polls += 1) {
      await poll()
      if (polls % PROGRESS_EVERY_POLLS === 0) screen.say(`  … ${progress()}, ${seen.size} findings`)
      await sleep(POLL_MS)
    }
  })()
  // whoever stops the feed gets the error
  polling.catch(() => {})
  return {
    async stop() {
      stopped = true
      await polling
      await poll()
      if (seen.size > shown) screen.say(`  … ${seen.size} findings, ${shown} of them shown`)
    },
  }
}

/** Below this there is no room for columns. */
const ALIGNED_COLUMNS_MIN = 66
/** Kinds of which the fields say what is wrong. */
const WITH_FIELDS: readonly string[] = ['lost-update', 'field-mismatch']

function findingLine({ kind, verdict, entity, fields, cause }: Finding, columns: number): string {
  const which = WITH_FIELDS.includes(kind) ? `  ${fields.join(', ')}` : ''
  const about = entity ? entity.id + which : (cause.operation ?? '')
  return columns < ALIGNED_COLUMNS_MIN
    ? `  ${kind} (${verdict}) ${about}`
    : `  ${kind.padEnd(28)} ${verdict.padEnd(14)} ${about}`
}
