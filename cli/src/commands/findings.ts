import {
  FINDING_KINDS,
  FINDING_STATUSES,
  type Finding,
  VERDICTS,
  type Verdict,
} from '@syncproof/core/contract'
import { type CommandContext, EXIT, type ExitCode } from '../command.ts'
import { lookUp } from '../hashed-id.ts'
import { findingLines, isDamage, isUndecided } from '../output/finding-view.ts'
import { json } from '../output/terminal.ts'
import { plural } from '../output/text.ts'
import { apiPath, openReportApi, type Query, type ReportApi } from '../report-api.ts'
import { choiceSetting, flagSetting, sinceSetting, textSetting, wholeNumberSetting } from '../settings.ts'

const ANY = 'any'

export async function run(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context
  const limit = wholeNumberSetting(context, 'limit', { min: 1, max: 100_000, preset: 100 })
  const asked = filterOf(context)
  const api = openReportApi(context)
  const { filter, items, more } = await find(context, api, asked, limit)
  if (flagSetting(context, 'json')) {
    terminal.data(json({ version: 1, filter, findings: items, more }))
  } else {
    for (const finding of items) {
      terminal.data(`${findingLines(finding, terminal.paint, terminal.columns).join('\n')}\n`)
    }
    terminal.say(closing(items.length, more, filter))
    if (items.length === 0 && filter.entity_id !== undefined && filter.entity_type === undefined)
      terminal.say('Where the app hashes its ids, name --entity-type too: the hash is of both.')
  }
  return exitCode(api, filter, items, more)
}

/** By the hash of the entity's id where there is something under it. */
async function find(context: CommandContext, api: ReportApi, asked: Query, limit: number) {
  const list = async (filter: Query) => ({
    filter,
    ...(await api.list<Finding>(apiPath('findings'), filter, limit)),
  })
  const { entity_type: type, entity_id: id } = asked
  if (typeof type !== 'string' || typeof id !== 'string') return list(asked)
  const found = await lookUp(context, { type, id }, async (entity) => {
    const listed = await list({ ...asked, entity_id: entity.id })
    return listed.items.length > 0 ? listed : undefined
  })
  return found ?? { filter: asked, items: [], more: false }
}

function filterOf(context: CommandContext): Query {
  const status = choiceSetting(context, 'status', [...FINDING_STATUSES, ANY]) ?? 'open'
  return {
    kind: choiceSetting(context, 'kind', FINDING_KINDS),
    verdict: choiceSetting(context, 'verdict', VERDICTS),
    status: status === ANY ? undefined : status,
    entity_type: textSetting(context, 'entity-type'),
    entity_id: textSetting(context, 'entity-id'),
    operation: textSetting(context, 'operation'),
    since: sinceSetting(context),
  }
}

function closing(count: number, more: boolean, { status }: Query): string {
  const what = plural(count, `${status === undefined ? '' : `${status} `}finding`)
  return more ? `${what}, the ones seen last. --limit shows more.` : `${what}.`
}

/** Decided by all findings that match, not only by those that are printed. */
async function exitCode(
  api: ReportApi,
  filter: Query,
  items: readonly Finding[],
  more: boolean,
): Promise<ExitCode> {
  if (items.some(isDamage)) return EXIT.found
  if (more) {
    if ((await openExists(api, filter, 'proven')) || (await openExists(api, filter, 'observed')))
      return EXIT.found
    if (await openExists(api, filter, 'indeterminate')) return EXIT.partial
  }
  return items.some(isUndecided) ? EXIT.partial : EXIT.clean
}

async function openExists(api: ReportApi, filter: Query, verdict: Verdict): Promise<boolean> {
  if (filter.verdict !== undefined && filter.verdict !== verdict) return false
  if (filter.status !== undefined && filter.status !== 'open') return false
  const { items } = await api.list<Finding>(apiPath('findings'), { ...filter, verdict, status: 'open' }, 1)
  return items.length > 0
}
