import type { Finding, Verdict } from '@syncproof/core/contract'
import type { ReportedEvent } from '@syncproof/store'
import { doubtTexts, eventNoun } from './doubt-view.ts'
import { flow } from './flow.ts'
import type { Paint, Style } from './terminal.ts'
import { printable } from './text.ts'
import { clockTime } from './time.ts'

const VERDICT_STYLES: Readonly<Record<Verdict, Style>> = {
  proven: 'red',
  observed: 'red',
  indeterminate: 'yellow',
  hazard: 'cyan',
}

/** One finding as lines for people: what, about which entity, in a sentence, what is held against its evidence, and who
 *  did it. */
export function findingLines(finding: Finding, paint: Paint, columns: number): string[] {
  const { kind, verdict, severity, entity, fields, status, summary, reason, cause, occurrences } = finding
  const layout = { columns, paint, indent: 0, hanging: 2 }
  const below = { ...layout, indent: 2 }
  const by = [cause.operation, cause.service && `in ${cause.service}`, cause.release]
  return [
    ...flow(
      [
        { text: verdict, style: VERDICT_STYLES[verdict] },
        { text: printable(kind), style: 'bold' },
        { text: entity === undefined ? '' : printable(`${entity.type} ${entity.id}`) },
        { text: printable(fields.join(', ')) },
        { text: severity, style: 'dim' },
        { text: status === 'open' ? '' : status, style: 'dim' },
      ],
      layout,
    ),
    ...flow([{ text: printable(summary) }], below),
    ...(reason === undefined ? [] : flow([{ text: printable(`Not decided: ${reason}`) }], below)),
    ...doubtedEvidence(finding).flatMap((text) => flow([{ text, style: 'yellow' }], below)),
    ...flow(
      [
        { text: printable(by.filter(Boolean).join(' ')), style: 'dim' },
        { text: clockTime(finding.occurred_at), style: 'dim' },
        { text: occurrences > 1 ? `seen ${occurrences.toLocaleString('en-US')} times` : '', style: 'dim' },
        { text: printable(finding.id), style: 'dim' },
      ],
      below,
    ),
  ]
}

/** Of events of the witness that were found to be inconsistent after they had been judged. */
function doubtedEvidence({ witness }: Finding): string[] {
  return (witness.events as readonly ReportedEvent[]).flatMap((event) => {
    const marked = event.inconsistent
      ? 'INCONSISTENT EVIDENCE, noticed after it was judged: '
      : 'Of its evidence: '
    const subject = `${eventNoun(event)}, event ${printable(event.id)}`
    return doubtTexts(event, () => undefined).map((text) => `${marked}${subject}: ${text}`)
  })
}

/** Open findings of these verdicts say that data is wrong. */
export function isDamage(finding: Finding): boolean {
  return finding.status === 'open' && (finding.verdict === 'proven' || finding.verdict === 'observed')
}

/** Open and undecided: not known to be clean. */
export function isUndecided(finding: Finding): boolean {
  return finding.status === 'open' && finding.verdict === 'indeterminate'
}
