import { type CommandContext, UsageError } from './command.ts'
import { secretFileOf } from './secret-files.ts'

/** A setting's text: the option, else its environment variable; empty counts as unset. */
export function textSetting(context: CommandContext, option: string): string | undefined {
  return origin(context, option)?.text
}

export function flagSetting(context: CommandContext, option: string): boolean {
  return context.options[option] === true
}

/** @throws UsageError for what is no whole number from `min` to `max`, naming the option or the variable */
export function wholeNumberSetting(
  context: CommandContext,
  option: string,
  bounds: { readonly min: number; readonly max: number; readonly preset: number },
): number {
  const given = origin(context, option)
  if (given === undefined) return bounds.preset
  const value = /^\d{1,15}$/.test(given.text) ? Number(given.text) : Number.NaN
  if (value >= bounds.min && value <= bounds.max) return value
  throw wrong(given, `a whole number from ${bounds.min} to ${bounds.max}`)
}

/** @throws UsageError for what is no port; 0 takes a free one */
export function portSetting(context: CommandContext, option: string, preset: number): number {
  return wholeNumberSetting(context, option, { min: 0, max: 65_535, preset })
}

/** @throws UsageError for what is no URL of one of these schemes (`postgres:`) */
export function urlSetting(
  context: CommandContext,
  option: string,
  schemes: readonly string[],
): string | undefined {
  const given = origin(context, option)
  if (given === undefined) return undefined
  if (URL.canParse(given.text) && schemes.includes(new URL(given.text).protocol)) return given.text
  throw wrong(given, `a URL such as ${schemes[0]}//host`)
}

/** The option's value as one of a list.
 *  @throws UsageError for another */
export function choiceSetting<T extends string>(
  context: CommandContext,
  option: string,
  choices: readonly T[],
): T | undefined {
  const given = origin(context, option)
  if (given === undefined) return undefined
  const choice = choices.find((one) => one === given.text)
  if (choice !== undefined) return choice
  throw wrong(given, `one of ${choices.join(', ')}`)
}

/** Every value of an option that may be given more than once, each as one of a list; each counts once.
 *  @throws UsageError for another */
export function choicesSetting<T extends string>(
  context: CommandContext,
  option: string,
  choices: readonly T[],
): readonly T[] {
  const given = [context.options[option] ?? []].flat()
  const wrong = given.find((text) => !choices.some((choice) => choice === text))
  if (wrong !== undefined)
    throw new UsageError(`--${option} must be one of ${choices.join(', ')}, not "${wrong}".`)
  return choices.filter((choice) => given.includes(choice))
}

/** Every value of an option that may be given more than once; each counts once. */
export function listSetting(context: CommandContext, option: string): readonly string[] {
  return [...new Set([context.options[option] ?? []].flat().map(String))]
}

/** A length of time such as 30m.
 *  @throws UsageError for what is none, or is not from `min` to `max` */
export function durationSetting(
  context: CommandContext,
  option: string,
  bounds: { readonly min: number; readonly max: number; readonly preset: number },
): number {
  const text = textSetting(context, option)
  if (text === undefined) return bounds.preset
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  const ms = count === undefined ? Number.NaN : Number(count) * (UNIT_MS[unit] ?? 0)
  if (ms >= bounds.min && ms <= bounds.max) return ms
  throw new UsageError(
    `--${option} must be from ${shortest(bounds.min)} to ${shortest(bounds.max)}, such as 30m or 2h, not "${text}".`,
  )
}

function shortest(ms: number): string {
  const [unit = 's', unitMs = 1_000] = Object.entries(UNIT_MS).findLast(([, each]) => ms % each === 0) ?? []
  return `${ms / unitMs}${unit}`
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `--since` as `timeSetting` reads it. */
export function sinceSetting(context: CommandContext): string | undefined {
  return timeSetting(context, 'since')
}

/** An instant as it is; `15m` is so long ago.
 *  @throws UsageError for what is neither */
export function timeSetting(context: CommandContext, option: string): string | undefined {
  const text = textSetting(context, option)
  if (text === undefined) return undefined
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  const ms = count === undefined ? Date.parse(text) : Date.now() - Number(count) * (UNIT_MS[unit] ?? 0)
  if (!Number.isNaN(ms)) return new Date(ms).toISOString()
  throw new UsageError(
    `--${option} must be a time such as 2026-11-20T12:00:00Z, or 15m, 2h, 7d ago, not "${text}".`,
  )
}

/** What can stand in a log, a label and a URL as it is. */
const PROJECT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** @throws UsageError for what is no name of a project */
export function projectSetting(context: CommandContext): string | undefined {
  const project = textSetting(context, 'project')
  if (project === undefined || PROJECT_NAME.test(project)) return project
  throw new UsageError(
    `--project must be 1 to 64 letters, digits, dots, dashes or underscores, not "${project}".`,
  )
}

/** The URL as it may be shown. */
export function withoutPassword(url: string): string {
  return url.replace(/(\/\/[^/@:]*):.*@/, '$1:***@').replace(/([?&]password=)[^&]*/i, '$1***')
}

interface Given {
  /** Of the option, or the variable. */
  readonly name: string
  readonly text: string
  /** Where it comes from a file: it may be any secret, and is not shown. */
  readonly file?: string | undefined
}

function origin({ command, options, env }: CommandContext, option: string): Given | undefined {
  const given = options[option]
  if (typeof given === 'string') return { name: `--${option}`, text: given }
  const variable = command.options[option]?.env
  const text = variable === undefined ? undefined : env[variable]
  return variable !== undefined && text
    ? { name: variable, text, file: secretFileOf(env, variable) }
    : undefined
}

function wrong({ name, text, file }: Given, what: string): UsageError {
  return new UsageError(
    file === undefined
      ? `${name} must be ${what}, not "${withoutPassword(text)}".`
      : `${name}_FILE must name a file with ${what}, and ${file} holds something else.`,
  )
}

export const POSTGRES_SCHEMES = ['postgres:', 'postgresql:'] as const
export const REDIS_SCHEMES = ['redis:', 'rediss:'] as const

/** The database of a command that cannot do without.
 *  @throws UsageError where it is not given */
export function databaseSetting(context: CommandContext): string {
  const url = urlSetting(context, 'database', POSTGRES_SCHEMES)
  if (url !== undefined) return url
  throw new UsageError(
    `${context.command.name} needs a database.`,
    'Name it with --database postgres://… or SYNCPROOF_DATABASE_URL.',
  )
}
