import type { Terminal } from './output/terminal.ts'

/** What the exit codes mean, for every command. "Not compared" is never 0. */
export const EXIT = {
  clean: 0,
  /** Findings, or a divergence. */
  found: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
  /** Nothing could be compared: something could not be reached or did not answer. */
  unable: 3,
  /** Compared in part: records were undecided or unread. */
  partial: 4,
} as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export interface OptionSpec {
  readonly type: 'string' | 'boolean'
  /** What stands for the value in the help: `PORT`. */
  readonly value?: string
  /** Read where the option is not given; empty counts as unset. */
  readonly env?: string
  /** May be given more than once. */
  readonly multiple?: true
  readonly help: string
}

/** What was given: of an option that may be given more than once, every value. */
export type OptionValues = Readonly<
  Record<string, string | boolean | readonly (string | boolean)[] | undefined>
>

export interface CommandSpec {
  readonly name: string
  readonly summary: string
  /** Paragraphs of its own help: what options do not say. */
  readonly notes?: readonly string[]
  /** Names of the arguments; all are required but those in brackets. */
  readonly positionals: readonly string[]
  readonly options: Readonly<Record<string, OptionSpec>>
  /** It runs until it is stopped. */
  readonly isService?: true
  /** Loaded only when it runs: `help` must not wait for a web server and a database. */
  load(): Promise<{ run(context: CommandContext): Promise<ExitCode> }>
}

type Environment = Readonly<Record<string, string | undefined>>

export interface CommandContext {
  readonly command: CommandSpec
  readonly options: OptionValues
  readonly positionals: readonly string[]
  readonly env: Environment
  /** The folder that paths are relative to. */
  readonly folder: string
  readonly terminal: Terminal
  /** Hears of each fault of Syncproof itself. */
  readonly onFault?: (error: unknown) => void
}

/** The command line, an environment variable or the configuration is wrong: exit 2. */
export class UsageError extends Error {
  /** What to do about it, where the message does not say it. */
  readonly mend: string | undefined

  constructor(message: string, mend?: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'UsageError'
    this.mend = mend
  }
}

/** Something that is needed does not answer: exit 3. */
export class UnableError extends Error {
  readonly mend: string | undefined

  constructor(message: string, mend?: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'UnableError'
    this.mend = mend
  }
}
