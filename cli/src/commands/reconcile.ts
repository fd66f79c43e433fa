import { setTimeout as sleep } from 'node:timers/promises'
import type { Divergence, Report } from '@syncproof/store'
import { type CommandContext, EXIT, type ExitCode, UnableError, UsageError } from '../command.ts'
import { progressLine } from '../output/progress-view.ts'
import { reportExit, reportLines } from '../output/report-view.ts'
import { json } from '../output/terminal.ts'
import { ApiProblem, apiPath, openReportApi, type Page, type ReportApi } from '../report-api.ts'
import { flagSetting, textSetting, wholeNumberSetting } from '../settings.ts'
import { suggestion } from '../suggest.ts'

const POLL_MS_MIN = 200
const POLL_MS_MAX = 1_000
/** A report that nobody has taken up after this long most likely has no reconciler. */
const QUEUED_MS_NORMAL = 15_000
const DIVERGENCES_SHOWN_MAX = 50
const DIVERGENCES_JSON_MAX = 10_000

export async function run(context: CommandContext): Promise<ExitCode> {
  const { terminal, positionals } = context
  const [pair = ''] = positionals
  const keys = keysOf(context)
  const timeoutS = wholeNumberSetting(context, 'timeout', { min: 1, max: 7 * 86_400, preset: 3_600 })
  const asJson = flagSetting(context, 'json')
  const api = openReportApi(context)

  const requested = await request(api, pair, keys)
  if (context.options.wait === false) {
    terminal.say('Asked for; nothing is compared yet.')
    terminal.data(asJson ? json({ version: 1, report: requested }) : requested.id)
    return EXIT.unable
  }
  const report = await finished(api, requested, timeoutS, context, asJson)
  const path = apiPath('reports', report.id, 'divergences')
  const max = asJson ? DIVERGENCES_JSON_MAX : DIVERGENCES_SHOWN_MAX
  const { items, more } = await api.list<Divergence>(path, {}, max)
  const entries = report.diverged + (report.coverage?.indeterminate ?? 0)
  const leftOut = more ? Math.max(1, entries - items.length) : 0
  terminal.data(
    asJson
      ? json({ version: 1, report, divergences: items, divergences_left_out: leftOut })
      : reportLines(report, items, leftOut, terminal.paint, terminal.columns).join('\n'),
  )
  return reportExit(report)
}

function keysOf(context: CommandContext): string[] | undefined {
  const text = textSetting(context, 'keys')
  if (text === undefined) return undefined
  const keys = text.split(',').map((key) => key.trim())
  if (keys.includes(''))
    throw new UsageError('--keys must be keys with commas between them, such as --keys 17,42.')
  return keys
}

async function request(api: ReportApi, pair: string, keys: string[] | undefined): Promise<Report> {
  try {
    return await api.post<Report>(apiPath('reconciliations'), keys ? { pair, keys } : { pair }, [
      'pair_not_found',
    ])
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error
    const { items } = await api.get<Page<{ readonly name: string }>>(apiPath('pairs'))
    const names = items.map(({ name }) => name)
    throw new UsageError(
      `There is no pair "${pair}".${suggestion(pair, names)}`,
      names.length === 0
        ? 'No pair is configured: add it to syncproof.config.ts and start the reconciler again.'
        : `Pairs: ${names.join(', ')}.`,
    )
  }
}

async function finished(
  api: ReportApi,
  requested: Report,
  timeoutS: number,
  { terminal }: CommandContext,
  asJson: boolean,
): Promise<Report> {
  const startMs = performance.now()
  let report = requested
  let pollMs = POLL_MS_MIN
  let told = false
  while (report.state !== 'finished') {
    const waitedMs = performance.now() - startMs
    if (waitedMs > timeoutS * 1_000) {
      throw new UnableError(
        `The report is still ${report.state} after ${timeoutS} s.`,
        `It goes on: GET ${apiPath('reports', report.id)} shows it.`,
      )
    }
    if (!told && report.state === 'queued' && waitedMs > QUEUED_MS_NORMAL) {
      terminal.say('Nobody has taken it up yet. Is a reconciler running?')
      told = true
    }
    if (!asJson) terminal.passing(progressLine(report, terminal.talkColumns))
    await sleep(pollMs)
    pollMs = Math.min(POLL_MS_MAX, pollMs * 1.5)
    report = await api.get<Report>(apiPath('reports', report.id))
  }
  terminal.passing('')
  return report
}
