import type { DumpEvent, DumpHead, DumpLine, DumpProcess, ProcessReport } from '@syncproof/core/contract'
import { limits } from '@syncproof/core/contract'
import type { Store } from '@syncproof/store'
import { UnableError } from '../command.ts'
import { readLines } from './dump-file.ts'
import { parseDumpLine } from './dump-line.ts'

export interface DumpSummary {
  readonly filter: DumpHead['filter']
  readonly events: number
  readonly processes: number
}

/** Reads a file from one end to the other and stores nothing.
 *  @throws UnableError where it is not whole, or a line is wrong */
export async function checkDump(path: string): Promise<DumpSummary> {
  let filter: DumpHead['filter'] | undefined
  const processes = new Set<string>()
  let events = 0
  let end: number | undefined
  for await (const { line, number } of dumpLines(path)) {
    const wrong = (what: string) => new UnableError(`Line ${number} of ${path} ${what}.`, EXPORT_AGAIN)
    if (end !== undefined) throw wrong('comes after the last one')
    if ((line.type === 'export') !== (number === 1)) throw wrong('is not what an export has there')
    if (line.type === 'export') filter = line.filter
    if (line.type === 'process') processes.add(line.process.id)
    if (line.type === 'event' && !processes.has(line.process_id))
      throw wrong('is of a process that was not named before')
    if (line.type === 'event') events += 1
    if (line.type === 'end') end = line.events
  }
  if (filter === undefined) throw new UnableError(`${path} is no export of events.`, EXPORT_AGAIN)
  if (end === undefined)
    throw new UnableError(`${path} is not whole: its last line is missing.`, EXPORT_AGAIN)
  if (end !== events)
    throw new UnableError(`${path} says that it has ${end} events, and has ${events}.`, EXPORT_AGAIN)
  return { filter, events, processes: processes.size }
}

const EXPORT_AGAIN = 'It must be what `syncproof events export` or GET /v1/events gave, whole: export again.'

interface NumberedLine {
  readonly line: DumpLine
  readonly number: number
  readonly length: number
}

async function* dumpLines(path: string): AsyncGenerator<NumberedLine> {
  let number = 0
  for await (const text of readLines(path)) {
    number += 1
    const line = parseDumpLine(text)
    if (typeof line === 'string') throw new UnableError(`Line ${number} of ${path} ${line}.`, EXPORT_AGAIN)
    yield { line, number, length: text.length }
  }
}

export interface Imported {
  readonly stored: number
  readonly duplicates: number
}

/** Text of events that is held at once, in UTF-16 code units. */
const WAITING_LENGTH_MAX = 8 * 1024 * 1024

/** Stores a file that `checkDump` has read. Of a filtered one nothing may be claimed from what is absent in it, so each of
 *  its processes is said to have dropped something.
 *  Killed at any point, doing it again stores the rest. */
export async function importDump(store: Store, project: string, path: string): Promise<Imported> {
  const processes = new Map<string, ProcessReport>()
  const done = { stored: 0, duplicates: 0 }
  let isPartial = false
  let waiting: DumpEvent[] = []
  let waitingLength = 0
  const flush = async () => {
    const batch = waiting
    waiting = []
    waitingLength = 0
    for (const [id, own] of Map.groupBy(batch, ({ process_id }) => process_id)) {
      const process = processes.get(id)
      if (process === undefined) throw new Error(`process ${id} was named when the file was checked`)
      const events = own.map(({ event, inconsistent }) => ({ event, mark: inconsistent }))
      const { accepted, duplicates } = await store.dumps.importEvents(project, process, events)
      done.stored += accepted
      done.duplicates += duplicates
    }
  }
  for await (const { line, length } of dumpLines(path)) {
    if (line.type === 'export') isPartial = Object.keys(line.filter).length > 0
    if (line.type === 'process') {
      const told = isPartial ? withGap(line) : line
      await store.dumps.importProcess(project, told)
      processes.set(line.process.id, told.process)
    }
    if (line.type !== 'event') continue
    waiting.push(line)
    waitingLength += length
    if (waiting.length >= limits.eventsPerBatchMax || waitingLength > WAITING_LENGTH_MAX) await flush()
  }
  await flush()
  return done
}

/** At least one of its events is not in the file, for all that is known. */
function withGap(line: DumpProcess): DumpProcess {
  const { produced = 0, dropped = {} } = line.process.books ?? {}
  return {
    ...line,
    process: { ...line.process, books: { produced, dropped: { ...dropped, not_exported: 1 } } },
  }
}
