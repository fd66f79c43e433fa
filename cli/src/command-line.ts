import { parseArgs } from 'node:util'
import { type CommandSpec, type OptionValues, UsageError } from './command.ts'
import { suggestion } from './suggest.ts'

export interface CommandLine {
  readonly command: CommandSpec
  readonly options: OptionValues
  readonly positionals: readonly string[]
}

/** Reads the words after `syncproof`. No word at all is `help`; `--help` and `--version` work everywhere.
 *  @throws UsageError for an unknown command or option, with the nearest one, and for a missing or spare argument */
export function readCommandLine(words: readonly string[], commands: readonly CommandSpec[]): CommandLine {
  const [first = 'help', ...rest] = words
  const name = ALIASES[first] ?? first
  const command = commands.find((one) => one.name === name)
  if (command === undefined) throw unknownCommand(first, commands)
  const { values, positionals } = parse(command, rest)
  if (values.help === true) {
    return { command: named('help', commands), options: {}, positionals: [command.name] }
  }
  checkPositionals(command, positionals)
  return { command, options: values, positionals }
}

const ALIASES: Readonly<Record<string, string>> = {
  '--help': 'help',
  '-h': 'help',
  '--version': 'version',
  '-v': 'version',
}

function named(name: string, commands: readonly CommandSpec[]): CommandSpec {
  const command = commands.find((one) => one.name === name)
  if (command === undefined) throw unknownCommand(name, commands)
  return command
}

/** @throws UsageError with the nearest command */
export function unknownCommand(word: string, commands: readonly CommandSpec[]): UsageError {
  const names = commands.map((command) => command.name)
  return word.startsWith('-')
    ? new UsageError(`The command comes first, before ${word}.`, '`syncproof help` lists the commands.')
    : new UsageError(
        `There is no command "${word}".${suggestion(word, names)}`,
        '`syncproof help` lists the commands.',
      )
}

function parse(command: CommandSpec, words: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, { type, multiple = false }]) => [
      name,
      name === 'help' ? ({ type, short: 'h' } as const) : { type, multiple },
    ]),
  )
  const mend = `\`syncproof help ${command.name}\` lists the options.`
  try {
    const parsed = parseArgs({
      args: [...words],
      options,
      strict: true,
      allowPositionals: true,
      allowNegative: true,
      tokens: true,
    })
    for (const token of parsed.tokens) {
      // An empty value is a slip of a script (`--url "$URL"`), not a wish for the default.
      if (token.kind === 'option' && token.value === '')
        throw new UsageError(`${token.rawName} is empty.`, mend)
    }
    return parsed
  } catch (error) {
    if (error instanceof UsageError || !isParseError(error)) throw error
    throw new UsageError(explain(error, command, words), mend)
  }
}

function isParseError(error: unknown): error is Error & { code: string } {
  return error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}

function explain(error: Error & { code: string }, command: CommandSpec, words: readonly string[]): string {
  if (error.code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return `${error.message.split('\n')[0]}`
  const names = Object.keys(command.options)
  const isKnown = (word: string) => names.includes(word.replace(/^--(no-)?/, ''))
  const unknown = words
    .map((word) => word.split('=', 1)[0] ?? word)
    .find((word) => word.startsWith('-') && word !== '--' && word !== '-h' && !isKnown(word))
  const word = unknown ?? 'that'
  return `${command.name} has no option ${word}.${suggestion(word.replace(/^-+/, ''), names, '--')}`
}

function checkPositionals(command: CommandSpec, given: readonly string[]): void {
  const required = command.positionals.filter((name) => !name.startsWith('['))
  const usage = `Usage: syncproof ${command.name} ${command.positionals.join(' ')}`.trimEnd()
  const missing = required[given.length]
  if (missing !== undefined) throw new UsageError(`${command.name} needs ${missing}.`, usage)
  const spare = given[command.positionals.length]
  if (spare !== undefined) throw new UsageError(`${command.name} takes no "${spare}".`, usage)
}
