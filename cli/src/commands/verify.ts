import { type Verification, verifyFinding } from '@syncproof/core/verification'
import { type CommandContext, EXIT, type ExitCode } from '../command.ts'
import { readFindings } from '../findings-file.ts'
import { json } from '../output/terminal.ts'
import { plural } from '../output/text.ts'
import { verificationLines } from '../output/verification-view.ts'
import { flagSetting } from '../settings.ts'

/** Derives every finding of a file again, from its witness alone. */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { terminal, positionals, folder } = context
  const [file = ''] = positionals
  const { findings, more } = await readFindings(file, folder)
  const verified = findings.map((finding) => ({ finding, verification: verifyFinding(finding) }))
  const count = (result: Verification['result']) =>
    verified.filter(({ verification }) => verification.result === result).length
  const counts = { verified: count('verified'), refuted: count('refuted'), open: count('not-verifiable') }
  if (flagSetting(context, 'json')) {
    const items = verified.map(({ finding, verification }) => ({
      ...named(finding),
      ...asJson(verification),
    }))
    terminal.data(
      json({
        version: 1,
        findings: items,
        counts: { verified: counts.verified, refuted: counts.refuted, not_verifiable: counts.open },
      }),
    )
  } else {
    for (const { finding, verification } of verified)
      terminal.data(
        `${verificationLines(named(finding), verification, terminal.paint, terminal.columns).join('\n')}\n`,
      )
  }
  terminal.say(
    `${plural(findings.length, 'finding')}: ${counts.verified} verified, ${counts.refuted} refuted, ${counts.open} not verifiable.`,
  )
  if (more) terminal.say('The file holds not all that was found: `syncproof findings --limit` shows more.')
  if (counts.refuted > 0) return EXIT.found
  return counts.open > 0 ? EXIT.partial : EXIT.clean
}

/** What a finding is called, as far as it says so. */
function named(finding: unknown) {
  const { id, kind, verdict, entity } = (finding ?? {}) as Record<string, unknown>
  const { type, id: entityId } = (entity ?? {}) as Record<string, unknown>
  const isText = (value: unknown) => typeof value === 'string'
  return {
    ...(isText(id) && { id: id as string }),
    ...(isText(kind) && { kind: kind as string }),
    ...(isText(verdict) && { verdict: verdict as string }),
    ...(isText(type) && isText(entityId) && { entity: { type: type as string, id: entityId as string } }),
  }
}

function asJson(verification: Verification) {
  switch (verification.result) {
    case 'verified': {
      const { result, says, provedBy, onTrust, steps } = verification
      return { result, says, proved_by: provedBy, on_trust: onTrust, steps: steps.map(stepJson) }
    }
    case 'refuted':
      return { result: verification.result, step: stepJson(verification.step) }
    case 'not-verifiable':
      return { result: 'not_verifiable', why: verification.why }
  }
}

function stepJson({ must, because }: { readonly must: string; readonly because: string }) {
  return { must, because }
}
