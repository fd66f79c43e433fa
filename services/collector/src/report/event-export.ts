import {
  CONTRACT_VERSION,
  DUMP_VERSION,
  type DumpHead,
  type DumpLine,
  type DumpProcess,
} from '@syncproof/core/contract'
import type { DumpPage } from '@syncproof/store'
import { collectorLimits } from '../limits.ts'

export type ReadDumpPage = (cursor: string) => Promise<DumpPage>

/** The lines of an export, as text of one page at a time: the next page is read when the client has taken the one before.
 *  @param first read already, so that a database that is away is still a problem document */
export async function* exportLines(
  filter: DumpHead['filter'],
  first: DumpPage,
  readPage: ReadDumpPage,
): AsyncIterable<string> {
  const told = new ToldProcesses()
  let events = 0
  let text = line({ type: 'export', version: DUMP_VERSION, contract: CONTRACT_VERSION, filter })
  for (let page = first; ; page = await readPage(page.next_cursor)) {
    for (const process of page.processes) if (told.isNews(process)) text += line(process)
    for (const event of page.events) text += line(event)
    events += page.events.length
    if (page.next_cursor === null) break
    yield text + line({ type: 'cursor', cursor: page.next_cursor })
    text = ''
  }
  yield text + line({ type: 'end', events })
}

function line(value: DumpLine): string {
  return `${JSON.stringify(value)}\n`
}

/** Which processes the client has been told of. Of more than it remembers, some are told again. */
class ToldProcesses {
  readonly #produced = new Map<string, number | undefined>()

  isNews({ process }: DumpProcess): boolean {
    const produced = process.books?.produced
    if (this.#produced.has(process.id) && this.#produced.get(process.id) === produced) return false
    if (this.#produced.size >= collectorLimits.exportProcessesMax) this.#produced.clear()
    this.#produced.set(process.id, produced)
    return true
  }
}
