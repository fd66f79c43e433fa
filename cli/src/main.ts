import { EXIT, type ExitCode, UnableError, UsageError } from './command.ts'
import { readCommandLine } from './command-line.ts'
import { commands } from './commands.ts'
import { createTerminal, type Terminal } from './output/terminal.ts'
import { printable, wrap } from './output/text.ts'
import { withSecretFiles } from './secret-files.ts'
import { startTelemetry } from './telemetry/start-telemetry.ts'

/** What still holds the process open this long after a command has ended is not waited for. */
const LINGER_MS_MAX = 2_000

const terminal = createTerminal(process.stdout, process.stderr, process.env)

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // `syncproof findings | head`: nobody reads on. The exit code still says what was found.
    if (error.code !== 'EPIPE') throw error
  })
}
// Node ends with 1 by itself, which here would read as "findings".
process.on('uncaughtException', (error) => {
  terminal.say(fault(error))
  process.exit(EXIT.unable)
})

process.exitCode = await execute(process.argv.slice(2), terminal)
setTimeout(() => process.exit(), LINGER_MS_MAX).unref()

async function execute(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    const line = readCommandLine(words, commands)
    const env = withSecretFiles(process.env)
    const context = { ...line, env, folder: process.cwd(), terminal }
    const telemetry = await startTelemetry(line.command, env)
    try {
      const { run } = await line.command.load()
      return await run({ ...context, onFault: telemetry.capture })
    } finally {
      await telemetry.close()
    }
  } catch (error) {
    if (error instanceof UsageError || error instanceof UnableError) {
      sayError(error, terminal)
      return error instanceof UsageError ? EXIT.usage : EXIT.unable
    }
    terminal.say(fault(error))
    return EXIT.unable
  }
}

function sayError(error: UsageError | UnableError, { say, paintTalk, talkColumns }: Terminal): void {
  const [first = '', ...more] = error.message.split('\n')
  const lines = wrap(`syncproof: ${printable(first)}`, talkColumns)
  say([...lines.map((line) => paintTalk('red', line)), ...more.map(printable)].join('\n'))
  if (error.mend !== undefined) say(wrap(printable(error.mend), talkColumns).join('\n'))
}

function fault(error: unknown): string {
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return `syncproof: a fault of Syncproof itself\n${detail.split('\n').map(printable).join('\n')}`
}
