import type { Finding } from '@syncproof/core/contract'
import type { Store } from '@syncproof/store'

/** What `saidBy` tells of all findings of a store. */
export async function whatFindingsSay(store: Store, project = 'default'): Promise<readonly Said[]> {
  const found: Finding[] = []
  let cursor: string | undefined
  do {
    const page = await store.findings.list(project, {}, { limit: 500, cursor })
    found.push(...page.items)
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined)
  return saidBy(found)
}

type Said = Pick<Finding, 'id' | 'kind' | 'verdict' | 'severity'> & { readonly [more: string]: unknown }

/** Everything that findings say, ascending by id, but for what depends on when and in which order they were found: a finding
 *  about all calls shows whichever was judged last, and an unknown outcome what a database answered when it was asked. */
export function saidBy(findings: readonly Finding[]): readonly Said[] {
  return findings.map(said).sort((a, b) => (a.id < b.id ? -1 : 1))
}

function said(finding: Finding): Said {
  const { id, kind, verdict, severity, status, entity, fields, summary, cause, witness, details } = finding
  const always = { id, kind, verdict, severity }
  if (verdict === 'hazard')
    return { ...always, summary, status, of: [details.function, details.entity_type, details.system] }
  // one for all runs of a section
  if (details.how === 'holds-nothing') return { ...always, status, details }
  const events = witness.events.map((event) => event.id).sort()
  const same = { ...always, summary, entity, fields, cause, events }
  return kind === 'unknown-outcome' ? same : { ...same, status, details }
}
