import type { SectionRow } from '@syncproof/store'
import type { CommandContext, ExitCode } from '../command.ts'
import { inOrder, sectionLines, sectionsExit } from '../output/section-view.ts'
import { json } from '../output/terminal.ts'
import { plural } from '../output/text.ts'
import { apiPath, openReportApi } from '../report-api.ts'
import { flagSetting, sinceSetting, textSetting, wholeNumberSetting } from '../settings.ts'

/** How often each declared section held its lock, by service and release. */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context
  const limit = wholeNumberSetting(context, 'limit', { min: 1, max: 100_000, preset: 1_000 })
  const filter = {
    name: textSetting(context, 'name'),
    service: textSetting(context, 'service'),
    release: textSetting(context, 'release'),
    since: sinceSetting(context),
  }
  const api = openReportApi(context)
  const { items, more } = await api.list<SectionRow>(apiPath('sections'), filter, limit)
  if (flagSetting(context, 'json')) {
    terminal.data(json({ version: 1, filter, sections: items, more }))
  } else {
    for (const section of inOrder(items)) {
      terminal.data(`${sectionLines(section, terminal.paint, terminal.columns).join('\n')}\n`)
    }
    terminal.say(closing(items.length, more))
  }
  return sectionsExit(items, more)
}

function closing(count: number, more: boolean): string {
  if (count === 0) return 'No section was told: nothing is known of any lock.'
  const what = plural(count, 'section and release', 'sections and releases')
  return more ? `${what}, the newest. --limit shows more.` : `${what}.`
}
