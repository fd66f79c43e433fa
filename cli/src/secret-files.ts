import { ConfigError, fromVariable } from '@syncproof/connectors/secrets'
import { UsageError } from './command.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Ours, and those of others that we read ourselves. Another `…_FILE` means something else to somebody else. */
const FILE_VARIABLE = /^(SYNCPROOF_\w+|SENTRY_DSN)_FILE$/

/** The environment in which each variable of ours whose `<NAME>_FILE` names a file has its content. Nothing is written to the
 *  environment of the process, which its children would inherit.
 *  @throws UsageError as `fromVariable` says */
export function withSecretFiles(env: Environment): Environment {
  const names = Object.keys(env).flatMap((name) => FILE_VARIABLE.exec(name)?.[1] ?? [])
  try {
    return { ...env, ...Object.fromEntries(names.map((name) => [name, fromVariable(name, env)])) }
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.message, undefined, { cause: error })
    throw error
  }
}

/** The path that a variable's value was read from; undefined where it is the value itself. */
export function secretFileOf(env: Environment, name: string): string | undefined {
  return FILE_VARIABLE.test(`${name}_FILE`) ? env[`${name}_FILE`] || undefined : undefined
}
