import { setTimeout as delay } from 'node:timers/promises'
import { UnableError } from '../command.ts'
import type { Query, ReportApi } from '../report-api.ts'
import { linesOf } from './lines.ts'

/** Tries without a new page in between. */
const TRIES_MAX = 5
const PAUSE_MS = 1_000

/** Only these two are looked into: the others are written as they come. */
const CURSOR = '{"type":"cursor"'
const END = '{"type":"end"'
const HEAD = '{"type":"export"'

export interface Fetched {
  events: number
}

/** The text of an export, some hundred events at a time, each time up to where it can be gone on from. A connection that
 *  breaks is made again from there.
 *  @param fetched counts the events that came
 *  @throws UnableError where the API stays away, or what it sends is not whole */
export async function* fetchDump(api: ReportApi, filter: Query, fetched: Fetched): AsyncGenerator<string> {
  let cursor: string | undefined
  let isFirst = true
  let isWhole = false
  for (let tries = 1; ; tries += 1) {
    try {
      for await (const part of partsOf(api, { ...filter, cursor }, isFirst, fetched)) {
        yield part.text
        isFirst = false
        tries = 0
        isWhole = part.cursor === undefined
        if (isWhole) return
        cursor = part.cursor
      }
      throw new UnableError(`${api.url} ended the export before its last line.`)
    } catch (error) {
      // the connection may break when all has come
      if (isWhole) return
      if (!(error instanceof UnableError) || tries >= TRIES_MAX) throw error
      await delay(PAUSE_MS)
    }
  }
}

interface Part {
  readonly text: string
  /** Undefined of the last one. */
  readonly cursor: string | undefined
}

async function* partsOf(
  api: ReportApi,
  query: Query,
  isFirst: boolean,
  fetched: Fetched,
): AsyncGenerator<Part> {
  let text = ''
  let events = 0
  for await (const line of linesOf(api.stream('/v1/events', query))) {
    if (line.startsWith(HEAD) && !isFirst) continue
    if (line.startsWith(END)) {
      fetched.events += events
      yield { text: `${text}${JSON.stringify({ type: 'end', events: fetched.events })}\n`, cursor: undefined }
      return
    }
    if (line.startsWith('{"type":"event"')) events += 1
    text += `${line}\n`
    if (!line.startsWith(CURSOR)) continue
    fetched.events += events
    yield { text, cursor: (JSON.parse(line) as { cursor: string }).cursor }
    text = ''
    events = 0
  }
}
