import { CONTRACT_VERSION, limits, type ProcessReport } from '@syncproof/core/contract'
import type { ErrorCode } from '@syncproof/core/contract/errors'
import { batchEnvelopeSchema } from '@syncproof/core/contract/schema'
import { findHostile } from '../http/guard.ts'
import { jsonPointer } from '../http/json-pointer.ts'

export type EnvelopeCheck =
  | { readonly ok: true; readonly process: ProcessReport; readonly events: readonly unknown[] }
  | { readonly ok: false; readonly code: ErrorCode; readonly detail: string; readonly pointer: string }

/** This version of the contract and the one before it: collectors and apps are upgraded one after the other. */
export const acceptedContracts: readonly number[] = [CONTRACT_VERSION - 1, CONTRACT_VERSION].filter(
  (version) => version >= 1,
)

/** Checks a batch but for its events: those are judged one by one. Members that the contract does not name are
 *  dropped. */
export function checkEnvelope(body: unknown, contracts = acceptedContracts): EnvelopeCheck {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return refused('invalid_request', [], 'must be a JSON object { contract, process, events }')
  }
  const { events, ...rest } = body as Record<string, unknown>
  const hostile = findHostile(rest)
  if (hostile !== undefined) return refused('invalid_request', hostile.path, hostile.message)

  const { contract } = rest
  const isAccepted = contracts.some((version) => version === contract)
  if (Number.isSafeInteger(contract) && !isAccepted) {
    const asked = Number(contract) > Math.max(...contracts) ? UPGRADE_COLLECTOR : UPGRADE_APP
    return refused('unsupported_contract', ['contract'], `must be ${contracts.join(' or ')}: ${asked}`)
  }
  if (Array.isArray(events) && events.length > limits.eventsPerBatchMax) {
    return refused('body_too_large', ['events'], `must hold at most ${limits.eventsPerBatchMax} events`)
  }
  // which versions are taken is decided above: the schema knows those of this release
  const version = isAccepted ? CONTRACT_VERSION : contract
  const result = batchEnvelopeSchema.safeParse({ ...rest, contract: version, events })
  if (result.success) return { ok: true, process: result.data.process, events: result.data.events }
  const [issue] = result.error.issues
  return refused('invalid_request', issue?.path ?? [], issue?.message ?? 'is not valid')
}

const UPGRADE_COLLECTOR =
  'the sender is newer than this collector. Upgrade the collectors first; an SDK keeps the batch and sends it again'
const UPGRADE_APP = 'the sender is too old for this collector. Upgrade its SDK'

function refused(code: ErrorCode, path: readonly PropertyKey[], message: string): EnvelopeCheck {
  const pointer = jsonPointer('', path)
  return { ok: false, code, detail: `${pointer || 'The body'}: ${message}`, pointer }
}
