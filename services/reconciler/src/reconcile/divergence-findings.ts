import type { Explanation } from '@syncproof/core/comparison'
import { type DetectedFinding, findingId, type Severity } from '@syncproof/core/contract'
import type { Divergence } from '@syncproof/store'
import type { Context } from '../context.ts'
import { entityOf, type Pair } from '../pairs.ts'
import { explain } from './cause.ts'
import type { Diverging, Undecided } from './recheck-candidates.ts'

const SEVERITIES: Readonly<Record<Diverging['kind'], Severity>> = {
  'missing-in-target': 'high',
  'unexpected-in-target': 'medium',
  'field-mismatch': 'high',
}

/** It names kind, pair and key, so that the same divergence is the same finding in every run. */
export function findingIdOf({ name }: Pair, { kind, key }: Pick<Diverging, 'kind' | 'key'>): string {
  return findingId(kind, `${name}\n${key}`)
}

/** The finding of one record on which both sides do not agree. */
export async function findingOf(
  context: Context,
  pair: Pair,
  diverging: Diverging,
  baseline: boolean,
): Promise<DetectedFinding> {
  const { key, kind, fields, source, target } = diverging
  const entity = entityOf(pair, key)
  const { cause, explanation } = await explain(context, pair, entity, diverging)
  return {
    id: findingIdOf(pair, diverging),
    kind,
    verdict: 'observed',
    // divergence that was there before anybody watched is shown, and pages nobody
    severity: baseline ? 'low' : SEVERITIES[kind],
    entity,
    fields,
    summary: `${summaryOf(diverging)} ${explanation.sentence}`,
    cause,
    witness: { events: explanation.events, observations: [source, target] },
    occurred_at: target.observed_at,
    details: {
      pair: pair.name,
      source: source.system,
      target: target.system,
      baseline,
      explanation: toldOf(explanation),
    },
  }
}

/** As it is shown; the events are in the witness. */
function toldOf({ cause, verdict, sentence }: Explanation) {
  return { cause, verdict, sentence }
}

function summaryOf({ kind, fields, source, target }: Diverging): string {
  if (kind === 'missing-in-target') return `In ${source.system}, and not in ${target.system}.`
  if (kind === 'unexpected-in-target') return `In ${target.system}, and not in ${source.system}.`
  return `${fields.join(', ')} differ${fields.length === 1 ? 's' : ''} between ${source.system} and ${target.system}.`
}

export function divergenceOf(pair: Pair, diverging: Diverging): Divergence {
  return {
    key: diverging.key,
    kind: diverging.kind,
    verdict: 'observed',
    fields: diverging.fields,
    reason: null,
    finding_id: findingIdOf(pair, diverging),
    source_observed_at: diverging.source.observed_at,
    target_observed_at: diverging.target.observed_at,
  }
}

export function undecidedDivergence({ key, kind, fields, reason }: Undecided): Divergence {
  return {
    key,
    kind,
    verdict: 'indeterminate',
    fields,
    reason,
    finding_id: null,
    source_observed_at: null,
    target_observed_at: null,
  }
}
