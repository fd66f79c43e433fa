import type { PairConfig } from '@syncproof/core/comparison'
import type { AlertSink } from '@syncproof/core/contract'
import { checkAlerts, checkMaintenance, checkOperations, type MaintenanceConfig } from './alert-config.ts'
import { ConfigError } from './config-error.ts'
import { parseDuration } from './duration.ts'
import {
  checkMembers,
  isPlainObject,
  kindOf,
  type MemberRule,
  type Problem,
  required,
  someText,
} from './members.ts'
import { checkRetention, type RetentionConfig } from './retention.ts'
import { fromVariable } from './secret-file.ts'

export interface Config {
  /** Pair name to the two systems that should hold the same records. */
  readonly pairs: Readonly<Record<string, PairConfig>>
  /** How long things are kept. Default: as documented in docs/retention.md. */
  readonly retention?: RetentionConfig | undefined
  /** Who is told of what is found: sentry(), pagerduty(), slack(), webhook({ … }), alertmanager({ … }). Default: nobody. */
  readonly alerts?: readonly AlertSink[] | undefined
  /** Who owns what a wrapped function does, by its name. Default: the owner of the pair that compares its records. */
  readonly operations?: Readonly<Record<string, { readonly owner: string }>> | undefined
  /** Times in which pages are held back, besides those that `syncproof maintenance` begins. */
  readonly maintenance?: readonly MaintenanceConfig[] | undefined
}

/** Gives the configuration its types; it is checked when it is loaded. */
export function defineConfig(config: Config): Config {
  return config
}

/** An environment variable that must be set, or the content of the file that `<NAME>_FILE` names.
 *  @throws ConfigError where it is unset or empty, or the file cannot be read */
export function env(name: string): string {
  const value = fromVariable(name)
  if (value !== undefined) return value
  const state = process.env[name] === undefined ? 'not set' : 'empty'
  throw new ConfigError(
    `env('${name}')`,
    `the environment variable ${name} is ${state}. Set it where Syncproof is started, as in \`export ${name}=…\`, or name a file that holds it in ${name}_FILE.`,
  )
}

/** Checks what a configuration file exports.
 *  @param file named in messages
 *  @throws ConfigError with file, key path and mend, for the first thing that is wrong */
export function validateConfig(config: unknown, file: string): Config {
  const problem: Problem = (path, detail) => new ConfigError(path, detail, file)
  if (!isPlainObject(config)) {
    throw problem(
      undefined,
      `exports ${config === undefined ? 'no configuration' : kindOf(config)}. Write \`export default defineConfig({ pairs: { … } })\`.`,
    )
  }
  const members = {
    pairs: required(anything),
    retention: anything,
    alerts: anything,
    operations: anything,
    maintenance: anything,
  }
  checkMembers(config, undefined, members, problem)
  checkRetention(config.retention, problem)
  checkAlerts(config.alerts, problem)
  checkOperations(config.operations, problem)
  const { pairs } = config
  if (!isPlainObject(pairs))
    throw problem('pairs', `must be an object of pairs by name, not ${kindOf(pairs)}.`)
  if (Object.keys(pairs).length === 0) {
    throw problem(
      'pairs',
      'has no pair. Add one: `candidate: { source: postgres({ … }), target: http({ … }) }`.',
    )
  }
  for (const [name, pair] of Object.entries(pairs)) {
    const path = `pairs.${name}`
    if (!PAIR_NAME.test(name)) {
      throw problem(path, 'a pair’s name has letters, digits, `.`, `_` and `-`, at most 64. Rename it.')
    }
    checkMembers(pair, path, pairMembers, problem, ['invariants'])
  }
  checkMaintenance(config.maintenance, Object.keys(pairs), problem)
  return config as unknown as Config
}

/** It stands in addresses, in labels of metrics and on command lines. */
const PAIR_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

const anything: MemberRule = { check: () => undefined }

const source: MemberRule = {
  check: (value) =>
    isPlainObject(value) && typeof value.open === 'function'
      ? undefined
      : `must be a connector such as postgres({ … }) or http({ … }), not ${kindOf(value)}.`,
}

const fieldRules: MemberRule = {
  check(value) {
    if (!isPlainObject(value)) return `must be defineFields({ … }), not ${kindOf(value)}.`
    const wrong = Object.entries(value).find(
      ([, rule]) => !isPlainObject(rule) || typeof rule.canonical !== 'function',
    )
    return (
      wrong &&
      `has no field rule for '${wrong[0]}'. Write text(), integer(), decimal({ scale: 2 }) or ignore().`
    )
  },
}

const entityId: MemberRule = {
  check: (value) =>
    value === 'hashed'
      ? undefined
      : `must be 'hashed', or left out where ids may be seen, not ${typeof value === 'string' ? `'${value}'` : kindOf(value)}.`,
}

const duration: MemberRule = {
  check(value) {
    if (typeof value !== 'string') return `must be a duration such as '15m', not ${kindOf(value)}.`
    try {
      parseDuration(value)
      return undefined
    } catch (error) {
      if (error instanceof ConfigError) return error.detail
      throw error
    }
  },
}

const EVERY_MS_MIN = 1_000

const interval: MemberRule = {
  check(value) {
    const wrong = duration.check(value)
    if (wrong !== undefined) return wrong
    return parseDuration(String(value)) < EVERY_MS_MIN ? 'must be at least 1s.' : undefined
  },
}

const pairMembers: Readonly<Record<keyof PairConfig, MemberRule>> = {
  source: required(source),
  target: required(source),
  fields: fieldRules,
  entityType: someText,
  entityId,
  system: someText,
  every: interval,
  grace: duration,
  owner: someText,
}
