import type { Divergence, Page } from '@syncproof/store'
import { csvLine } from './csv.ts'

export type ReadDivergences = (cursor: string | undefined) => Promise<Page<Divergence>>

/** Every divergence from the first page on, one page in memory at a time; the next is read when the client has
 *  taken the one before. */
async function* allDivergences(
  first: Page<Divergence>,
  readPage: ReadDivergences,
): AsyncIterable<Divergence> {
  let page = first
  yield* page.items
  while (page.next_cursor !== null) {
    page = await readPage(page.next_cursor)
    yield* page.items
  }
}

export async function* ndjsonExport(
  first: Page<Divergence>,
  readPage: ReadDivergences,
): AsyncIterable<string> {
  for await (const divergence of allDivergences(first, readPage)) yield `${JSON.stringify(divergence)}\n`
}

const CSV_COLUMNS = [
  'key',
  'kind',
  'verdict',
  'fields',
  'reason',
  'finding_id',
  'source_observed_at',
  'target_observed_at',
] as const satisfies readonly (keyof Divergence)[]

/** With a head line; the names of several fields stand in one cell, separated by spaces. */
export async function* csvExport(first: Page<Divergence>, readPage: ReadDivergences): AsyncIterable<string> {
  yield csvLine(CSV_COLUMNS)
  for await (const divergence of allDivergences(first, readPage)) {
    yield csvLine(
      CSV_COLUMNS.map((column) => {
        const value = divergence[column]
        return typeof value === 'string' || value === null ? value : value.join(' ')
      }),
    )
  }
}
