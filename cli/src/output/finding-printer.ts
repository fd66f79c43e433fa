import type { Finding } from '@syncproof/core/contract'
import type { CommandContext } from '../command.ts'
import { flagSetting } from '../settings.ts'
import { findingLines } from './finding-view.ts'
import { json } from './terminal.ts'

/** Prints findings on stdout as they come: as lines for people, or with --json one document a line. */
export function findingPrinter(context: CommandContext): (finding: Finding) => void {
  const { terminal } = context
  if (flagSetting(context, 'json')) {
    return (finding) => terminal.data(json({ version: 1, type: 'finding', finding }))
  }
  return (finding) => terminal.data(`${findingLines(finding, terminal.paint, terminal.columns).join('\n')}\n`)
}
