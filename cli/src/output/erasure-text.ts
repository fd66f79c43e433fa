import type { ErasureCounts } from '@syncproof/store'
import { plural } from './text.ts'

/** `12 events, 2 operations, 3 findings (1 about other records)`. */
export function erasureText(counts: ErasureCounts): string {
  const { events, operations, findings, findings_about_others: others, hazards, divergences } = counts
  const about = others === 0 ? '' : ` (${others.toLocaleString('en-US')} about other records)`
  return [
    plural(events, 'event'),
    plural(operations, 'operation'),
    plural(findings, 'finding') + about,
    ...(hazards === 0 ? [] : [`the example of ${plural(hazards, 'hazard')}`]),
    ...(divergences === 0 ? [] : [plural(divergences, 'divergence')]),
  ].join(', ')
}

export function isNothing(counts: ErasureCounts): boolean {
  return Object.values(counts).every((count) => count === 0)
}

export function sumOf(all: readonly ErasureCounts[]): ErasureCounts {
  const total = (of: keyof ErasureCounts) => all.reduce((sum, counts) => sum + counts[of], 0)
  return {
    events: total('events'),
    operations: total('operations'),
    findings: total('findings'),
    findings_about_others: total('findings_about_others'),
    hazards: total('hazards'),
    divergences: total('divergences'),
  }
}
