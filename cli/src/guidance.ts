import type { Config } from '@syncproof/connectors'
import { DEFAULT_FINGERPRINT_KEY } from '@syncproof/core/contract'
import type { CommandContext } from './command.ts'
import { CONFIG_FILE } from './config-file.ts'
import { plural, printable, wrap } from './output/text.ts'

/** The key of SYNCPROOF_FINGERPRINT_KEY; the documented default where it is not set. */
export function fingerprintKey({ env }: CommandContext): string {
  return env.SYNCPROOF_FINGERPRINT_KEY || DEFAULT_FINGERPRINT_KEY
}

/** Warns where the default key is used. */
export function warnOfDefaultKey(context: CommandContext): void {
  if (fingerprintKey(context) !== DEFAULT_FINGERPRINT_KEY) return
  const { say, paintTalk, talkColumns } = context.terminal
  const warning =
    'SYNCPROOF_FINGERPRINT_KEY is not set. Fingerprints are made with a key that everyone knows, so that values can be guessed. Set it here and in your app to the same secret.'
  say(
    wrap(warning, talkColumns)
      .map((line) => paintTalk('yellow', line))
      .join('\n'),
  )
}

/** Who is told of what is found. */
export function sinksLine(config: Config | undefined): string {
  const { alerts = [] } = config ?? {}
  if (alerts.length === 0) return 'Nobody is told of what is found.'
  return `${printable(alerts.map(({ name }) => name).join(', '))}: told of what is found.`
}

/** Which pairs are compared, or that there are none. */
export function pairsLine(config: Config | undefined): string {
  if (config === undefined) return `No pairs to compare: there is no ${CONFIG_FILE} here.`
  const names = Object.keys(config.pairs)
  return `${plural(names.length, 'pair')} to compare: ${printable(names.join(', '))}.`
}
