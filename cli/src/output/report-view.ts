import type { Divergence, Report, ReportResult } from '@syncproof/store'
import { EXIT, type ExitCode } from '../command.ts'
import { flow } from './flow.ts'
import type { Paint, Style } from './terminal.ts'
import { plural, printable } from './text.ts'
import { span } from './time.ts'

const RESULT_STYLES: Readonly<Record<ReportResult, Style>> = {
  clean: 'green',
  diverged: 'red',
  unknown: 'yellow',
}

/** What a finished report says as an exit code. Unknown is never clean. */
export function reportExit({ state, result, coverage, self_test: selfTest }: Report): ExitCode {
  if (state !== 'finished' || result === null || coverage === null || selfTest === 'failed')
    return EXIT.unable
  if (result === 'diverged') return EXIT.found
  if (coverage.indeterminate > 0 || coverage.unread !== 0) {
    return coverage.compared > 0 || result === 'clean' ? EXIT.partial : EXIT.unable
  }
  return result === 'clean' ? EXIT.clean : EXIT.unable
}

/** A report as lines for people.
 *  @param leftOut divergences that are not among these */
export function reportLines(
  report: Report,
  divergences: readonly Divergence[],
  leftOut: number,
  paint: Paint,
  columns: number,
): string[] {
  const { pair, result, problem, coverage, diverged } = report
  const layout = { columns, paint, indent: 0, hanging: 2 }
  const below = { ...layout, indent: 2 }
  const shown = result ?? report.state
  return [
    ...flow(
      [
        { text: printable(pair), style: 'bold' },
        { text: shown, style: result === null ? 'yellow' : RESULT_STYLES[result] },
        { text: diverged > 0 ? `${plural(diverged, 'record')} differ${diverged === 1 ? 's' : ''}` : '' },
        { text: report.baseline ? 'baseline' : '', style: 'dim' },
      ],
      layout,
    ),
    ...(problem === null ? [] : flow([{ text: printable(`${problem.code}: ${problem.detail}`) }], below)),
    ...(report.maintenance === null
      ? []
      : flow(
          [
            { text: `maintenance: ${printable(report.maintenance)}` },
            { text: 'pages were held back', style: 'dim' },
          ],
          below,
        )),
    ...(coverage === null ? [] : flow(coverageParts(report, coverage), below)),
    ...(report.self_test === 'failed'
      ? flow(
          [
            {
              text: 'The comparer missed drift that was planted to test it: do not trust this run.',
              style: 'red',
            },
          ],
          below,
        )
      : []),
    ...divergences.flatMap((divergence) => divergenceLines(divergence, paint, columns)),
    ...(leftOut === 0 ? [] : flow([{ text: `… and ${leftOut.toLocaleString('en-US')} more` }], below)),
  ]
}

function coverageParts(report: Report, coverage: NonNullable<Report['coverage']>) {
  const { compared, indeterminate, unread, requests } = coverage
  const { started_at: started, finished_at: finished } = report
  const took = started === null || finished === null ? '' : span(Date.parse(finished) - Date.parse(started))
  return [
    `${compared.toLocaleString('en-US')} compared`,
    `${indeterminate.toLocaleString('en-US')} undecided`,
    unread === null ? 'unread: not known' : `${unread.toLocaleString('en-US')} unread`,
    plural(requests, 'request'),
    took,
    report.id,
  ].map((text) => ({ text: printable(text), style: 'dim' as const }))
}

function divergenceLines(divergence: Divergence, paint: Paint, columns: number): string[] {
  const { key, kind, verdict, fields, reason, finding_id: finding } = divergence
  return flow(
    [
      { text: printable(key), style: 'bold' },
      { text: kind, style: verdict === 'observed' ? 'red' : 'yellow' },
      { text: printable(fields.join(', ')) },
      { text: verdict === 'observed' ? '' : printable(`undecided: ${reason ?? 'no reason given'}`) },
      { text: printable(finding ?? ''), style: 'dim' },
    ],
    { columns, paint, indent: 2, hanging: 4 },
  )
}
