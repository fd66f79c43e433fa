import type { OutcomeRules } from '../operation/outcome.ts'
import type { SyncproofWarning } from '../warnings.ts'
import { createWarn } from '../warnings.ts'
import { faultOfUniqueKey } from './unique-key.ts'

/** What an external system promises beyond HTTP. Without it: 2xx is applied; 202, 408, 409, 425, 429, 5xx, a
 *  404 and 410 to DELETE, a redirect that changed the method, and no answer may have been applied; any other 4xx is
 *  surely not applied. */
export interface SystemContract extends OutcomeRules {
  /** Where its revisions stand that grow with every change, as whole numbers: a response header (`etag`,
   *  `x-revision`) or a member of the JSON reply (`$.revision`). Default: `ETag` without
   *  the mark of a weak one, else `Last-Modified`, of which only a change can be told. */
  readonly ordered?: string | undefined
  /** Where the JSON reply holds the record's id in that system: `$.id`, `$.data.0.id`. Default: the last part of a
   *  201's `Location`, where that is an address of the record's own. */
  readonly externalId?: string | undefined
}

/** What is wrong with the options of an adapter; undefined where nothing is. */
export function faultOfSystem(options: {
  system: unknown
  contract?: SystemContract | undefined
  uniqueKey?: unknown
}): string | undefined {
  if (typeof options?.system !== 'string' || options.system === '')
    return '`system` must name the external system'
  const { applied = [], rejected = [], unknown = [], ordered, externalId } = options.contract ?? {}
  const lists = { applied, rejected, unknown }
  for (const [name, list] of Object.entries(lists)) {
    if (!Array.isArray(list)) return `\`contract.${name}\` must be a list`
  }
  const all = [...applied, ...rejected, ...unknown]
  const twice = all.find((answer, index) => all.indexOf(answer) !== index)
  if (twice !== undefined) return `\`contract\` lists ${twice} twice`
  if (applied.some((answer) => typeof answer !== 'number'))
    return '`contract.applied` must list statuses: an error that is no answer cannot say that it was applied'
  if (ordered !== undefined && (typeof ordered !== 'string' || ordered === ''))
    return '`contract.ordered` must name a response header, or a member of the JSON reply such as $.revision'
  if (externalId !== undefined && !isMemberPath(externalId))
    return '`contract.externalId` must name a member of the JSON reply such as $.id'
  return faultOfUniqueKey(options.uniqueKey)
}

/** Wrong options throw, but where NODE_ENV is `production` they are a warning.
 *  @returns whether there was none
 *  @throws TypeError */
export function accepts(
  caller: string,
  fault: string | undefined,
  onWarning: ((warning: SyncproofWarning) => void) | undefined,
): boolean {
  if (fault === undefined) return true
  if (process.env.NODE_ENV !== 'production') throw new TypeError(`${caller}: ${fault}`)
  createWarn(onWarning)('invalid_options', `${caller}: ${fault}. Its calls are not reported.`)
  return false
}

const MEMBER_PATH = '$.'

export function isMemberPath(place: unknown): place is `$.${string}` {
  return typeof place === 'string' && place.startsWith(MEMBER_PATH) && place.length > MEMBER_PATH.length
}

/** `$.data.id` of a JSON reply. */
export function memberAt(reply: unknown, path: string): unknown {
  let value = reply
  for (const name of path.slice(MEMBER_PATH.length).split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[name]
  }
  return value
}
