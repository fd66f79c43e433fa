import { FINDING_KINDS } from '../contract/index.ts'
import { causeOnTrust, claimSteps } from './claim-steps.ts'
import { type FindingInput, readFinding } from './finding-input.ts'
import { derivations } from './kinds/index.ts'
import type { Step } from './proof.ts'
import { readWitness } from './witness.ts'

/** Whether a finding follows from its witness. */
export type Verification =
  | {
      readonly result: 'verified'
      /** Every rule, in turn. */
      readonly steps: readonly Step[]
      /** Which event proves it, and how, in a sentence. */
      readonly says: string
      /** Ids of the events that prove it. */
      readonly provedBy: readonly string[]
      /** What no event of the witness shows, each as the rest of a sentence that begins with "that". */
      readonly onTrust: readonly string[]
    }
  | {
      readonly result: 'refuted'
      /** The first rule that does not hold. */
      readonly step: Step
    }
  | { readonly result: 'not-verifiable'; readonly why: string }

/** Derives a finding again from its witness alone, by the words of the contract, without the code that found it. Pure.
 *  @param value a finding as the report API shows it; anything else is refuted, never thrown at */
export function verifyFinding(value: unknown): Verification {
  const finding = readFinding(value)
  if (typeof finding === 'string')
    return refusal('The finding has the shape that the contract gives it.', `Here ${finding}.`)
  const kind = FINDING_KINDS.find((known) => known === finding.kind)
  if (kind === undefined)
    return { result: 'not-verifiable', why: `this release knows no finding of the kind ${finding.kind}` }
  if (finding.verdict !== 'proven') return { result: 'not-verifiable', why: unproven(finding) }
  const derive = derivations[kind]
  if (!derive) return refusal('The kind is one that events can prove.', `No ${kind} is ever proven.`)
  const events = readWitness(finding.witness)
  if (typeof events === 'string') return refusal(events, 'Else the events are not what processes report.')
  const derived = derive({ events, finding })
  if (derived.outcome === 'refuted') return { result: 'refuted', step: derived.step }
  if (derived.outcome === 'not-verifiable') return { result: 'not-verifiable', why: derived.why }
  const { claim } = derived
  const said = claimSteps(kind, finding, claim, events)
  const failed = said.find(({ holds }) => !holds)
  if (failed) return { result: 'refuted', step: failed }
  return {
    result: 'verified',
    steps: [...derived.steps, ...said],
    says: claim.says,
    provedBy: claim.events.map(({ id }) => id),
    onTrust: [...claim.onTrust, ...causeOnTrust(finding, claim, events)],
  }
}

function refusal(must: string, because: string): Verification {
  return { result: 'refuted', step: { must, because, holds: false } }
}

const UNPROVEN: Readonly<Record<string, string>> = {
  observed:
    'it rests on looking, at both systems or at all that any process reported; only looking again would show it',
  hazard: 'nothing has gone wrong: it says of a function what it can do',
}

function unproven({ verdict, reason }: FindingInput): string {
  if (verdict === 'indeterminate')
    return `it does not claim to be decided${reason === undefined ? '' : `: ${reason}`}`
  return UNPROVEN[verdict] ?? `there is no verdict ${verdict}`
}
