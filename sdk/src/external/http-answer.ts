import type { Settled } from '../operation/observe-result.ts'
import { outcomeOfStatus, outcomeOfSyncError, outcomeOfSyncResult, readMember } from '../operation/outcome.ts'
import type { SyncAnswer } from '../operation/report-sync.ts'
import { readHeader } from './http-request.ts'
import { answersTheRequest, type Dispatches, isSurelyUnsent, retriesBefore } from './sent-bytes.ts'
import { isMemberPath, memberAt, type SystemContract } from './system-contract.ts'

/** What is known of a request when its answer, or an error, has come. */
export interface Answered {
  readonly method: string
  readonly url: URL | undefined
  readonly contract: SystemContract | undefined
  readonly dispatches: Dispatches
}

/** How the request ended, without what the body of the answer says. */
export function answerOfFetch(result: Settled<unknown>, answered: Answered): SyncAnswer {
  const { method, contract, dispatches } = answered
  // whatever was deleted, the record or a part of it: a 404 or 410 to it is not definite
  const action = method === 'DELETE' ? 'delete' : 'update'
  if (!result.ok) {
    const judged = outcomeOfSyncError(result.error, action, contract)
    const code = readMember(readMember(result.error, 'cause'), 'code')
    const isDeclared = typeof code === 'string' && contract?.unknown?.includes(code)
    const isUnsent = judged.outcome === 'unknown' && !isDeclared && isSurelyUnsent(dispatches, result.error)
    return isUnsent ? { ...judged, outcome: 'rejected' } : judged
  }
  const status = readMember(result.value, 'status')
  // some clients resolve with the parsed body, and throw for a bad status
  if (typeof status !== 'number') return outcomeOfSyncResult(result.value, action, contract)
  const redirected = readMember(result.value, 'redirected') === true
  const judged = outcomeOfStatus(status, action, contract)
  const isDoubtful =
    !answersTheRequest(dispatches, method, redirected) ||
    (judged === 'rejected' && retriesBefore(dispatches, status) > 0)
  return {
    outcome: isDoubtful ? 'unknown' : judged,
    status: status >= 100 ? status : undefined,
    ...(status === 201 && idInLocation(headerOf(result.value, 'location'), answered)),
    ...versionOf((name) => headerOf(result.value, name), undefined, contract),
  }
}

/** What the JSON body of an answer adds. */
export function answerWithBody(
  answer: SyncAnswer,
  body: unknown,
  contract: SystemContract | undefined,
): SyncAnswer {
  const id = isMemberPath(contract?.externalId) ? textOf(memberAt(body, contract.externalId)) : undefined
  return {
    ...answer,
    ...(id !== undefined && { externalId: id }),
    ...(isMemberPath(contract?.ordered) && versionOf(() => undefined, body, contract)),
  }
}

/** Whether something of the JSON body is asked for. */
export function needsBody(contract: SystemContract | undefined): boolean {
  return isMemberPath(contract?.externalId) || isMemberPath(contract?.ordered)
}

export function headerOf(response: unknown, name: string): string | undefined {
  return readHeader(readMember(response, 'headers'), name)
}

/** The record's version in the other system: a declared revision, whose order is known, else an opaque one. */
export function versionOf(
  header: (name: string) => string | undefined,
  body: unknown,
  contract: SystemContract | undefined,
): Pick<SyncAnswer, 'externalVersion' | 'externalOrdered'> {
  const ordered = contract?.ordered
  if (ordered !== undefined) {
    const revision = isMemberPath(ordered) ? textOf(memberAt(body, ordered)) : header(ordered.toLowerCase())
    const digits = revision === undefined ? undefined : WHOLE_NUMBER.exec(revision)?.[1]
    if (digits !== undefined) return { externalVersion: digits, externalOrdered: true }
  }
  // the same state has a weak tag where a proxy has compressed the reply, and else a strong one
  const opaque = header('etag')?.replace(/^W\//, '') ?? header('last-modified')
  return opaque === undefined ? {} : { externalVersion: opaque }
}

/** Bare, or as an entity tag: `7`, `"7"`, `W/"7"`. */
const WHOLE_NUMBER = /^(?:W\/)?"?0*(\d{1,64})"?$/

/** The last part of `Location`, which of a 201 names what was made. None where it is no record's own address: what
 *  was posted to, or a search. */
function idInLocation(
  location: string | undefined,
  { method, url }: Answered,
): Pick<SyncAnswer, 'externalId'> {
  const base = url?.href ?? 'http://localhost'
  if (location === undefined || !URL.canParse(location, base)) return {}
  const made = new URL(location, base)
  const segments = segmentsOf(made)
  const isPostedTo = method === 'POST' && url !== undefined && `${segmentsOf(url)}` === `${segments}`
  const last = segments.at(-1)
  return last === undefined || made.search !== '' || isPostedTo ? {} : { externalId: last }
}

/** How often the client sent the request again by itself. */
export function retriesOf(result: Settled<unknown>, dispatches: Dispatches): number {
  const status = result.ok ? readMember(result.value, 'status') : undefined
  return retriesBefore(dispatches, typeof status === 'number' ? status : undefined)
}

/** The parts of a path, decoded. */
export function segmentsOf(url: URL): string[] {
  const segments = url.pathname.split('/').filter((segment) => segment !== '')
  try {
    return segments.map(decodeURIComponent)
  } catch {
    return segments
  }
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'bigint' || Number.isSafeInteger(value) ? String(value) : undefined
}
