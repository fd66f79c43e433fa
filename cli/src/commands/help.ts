import { type CommandContext, EXIT, type ExitCode } from '../command.ts'
import { unknownCommand } from '../command-line.ts'
import { commands } from '../commands.ts'
import { commandHelp, overview } from '../help.ts'

export async function run({ positionals, terminal }: CommandContext): Promise<ExitCode> {
  const [name] = positionals
  if (name === undefined) {
    terminal.data(overview(commands, terminal.paint, terminal.columns))
    return EXIT.clean
  }
  const command = commands.find((one) => one.name === name)
  if (command === undefined) throw unknownCommand(name, commands)
  terminal.data(commandHelp(command, terminal.paint, terminal.columns))
  return EXIT.clean
}
