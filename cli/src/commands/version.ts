import { readFile } from 'node:fs/promises'
import { type CommandContext, EXIT, type ExitCode } from '../command.ts'
import { json } from '../output/terminal.ts'
import { flagSetting } from '../settings.ts'

export async function run(context: CommandContext): Promise<ExitCode> {
  const manifest = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(manifest) as { version: string }
  context.terminal.data(
    flagSetting(context, 'json') ? json({ version: 1, syncproof: version, node: process.version }) : version,
  )
  return EXIT.clean
}
