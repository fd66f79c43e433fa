import { ConfigError } from '@syncproof/connectors'
import { checkMembers, isPlainObject, kindOf, type MemberRule, someText } from '@syncproof/connectors/rules'
import { fromVariable } from '@syncproof/connectors/secrets'
import { type AlertRoute, FINDING_KINDS, SEVERITIES } from '@syncproof/core/contract'

/** What every sink takes. */
export interface SinkOptions {
  /** In metrics, records and messages. Default: what it is, such as `slack`; give one where two are of a kind. */
  readonly name?: string | undefined
  /** Which alerts it is told, such as `{ owners: ['team-hiring'], severities: ['critical', 'high'] }`. Default: all. */
  readonly only?: AlertRoute | undefined
}

const sinkMembers: Readonly<Record<keyof SinkOptions, MemberRule>> = {
  name: {
    check: (value) =>
      typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(value)
        ? undefined
        : 'must be 1 to 64 letters, digits, `.`, `_` and `-`.',
  },
  only: {
    check: (value) => (isPlainObject(value) ? undefined : `must be an object, not ${kindOf(value)}.`),
  },
}

/** An address that is asked over HTTP. */
export const webAddress: MemberRule = {
  check(value) {
    if (typeof value !== 'string' || !URL.canParse(value)) return 'must be a URL such as https://….'
    const { protocol, username, password } = new URL(value)
    if (!/^https?:$/.test(protocol)) return 'must begin with https:// or http://.'
    return username || password ? 'must hold no user and no password.' : undefined
  },
}

/** @throws ConfigError for members that are missing, unknown or of the wrong type */
export function checkSink(
  sink: string,
  options: unknown,
  members: Readonly<Record<string, MemberRule>>,
): void {
  const problem = (path: string | undefined, detail: string) => new ConfigError(path, detail)
  checkMembers(options, sink, { ...sinkMembers, ...members }, problem)
  if (options.only !== undefined) checkMembers(options.only, `${sink}.only`, routeMembers, problem)
}

function listOf(known: readonly string[] | undefined): MemberRule {
  return {
    check(value) {
      if (!Array.isArray(value) || value.length === 0)
        return `must be a list with one at least, not ${kindOf(value)}.`
      const wrong = value.find((one) => (known ? !known.includes(one) : someText.check(one) !== undefined))
      if (wrong === undefined) return undefined
      return known ? `must be some of ${known.join(', ')}.` : 'must be a list of names.'
    },
  }
}

const routeMembers: Readonly<Record<keyof AlertRoute, MemberRule>> = {
  owners: listOf(undefined),
  pairs: listOf(undefined),
  severities: listOf(SEVERITIES),
  kinds: listOf(FINDING_KINDS),
}

/** A secret or an address from where it always is, the variable or the file that `<VARIABLE>_FILE` names, unless it is given.
 *  @throws ConfigError where it is nowhere */
export function fromEnvironment(
  sink: string,
  option: string,
  given: string | undefined,
  variable: string,
): string {
  const value = given ?? fromVariable(variable)
  if (value) return value
  throw new ConfigError(
    `${sink}.${option}`,
    `is missing. Give it, or set ${variable}, or ${variable}_FILE to a file that holds it, where the reconciler is started.`,
  )
}
