import { createHash } from 'node:crypto'
import { readdir, readFile, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { CONTRACT_VERSION, type ProcessBooks, type SyncproofEvent } from '@syncproof/core/contract'
import type { Settings } from '../options.ts'
import { postBatch } from '../report/post-batch.ts'
import type { Warn } from '../warnings.ts'
import { isAlive } from './owner.ts'
import { parseSpool, type SpoolContent } from './spool-format.ts'

const NAME = /^[0-9a-f-]{36}\.(\d{1,9})\.spool$/
const UUID_LENGTH = 36
const BATCH_EVENTS_MAX = 500
const BATCH_CHARS_MAX = 1024 * 1024
/** No file of ours is larger. */
const FILE_BYTES_MAX = 16 * 1024 * 1024
/** Three missed touches: the owner is gone, or is frozen and loses nothing by being sent for. */
const STALE_MS = 60_000

interface RecoverOptions {
  readonly settings: Settings
  readonly warn: Warn
}

/** Sends what processes that have ended left in the folder, under their own ids, and removes it. What the
 *  collector does not take now stays for the next time. Processes that do this at once send the same events,
 *  which are stored once. Never rejects.
 *  @param ownId its files are left alone */
export async function recoverSpools(dir: string, ownId: string, options: RecoverOptions): Promise<void> {
  try {
    const names = (await readdir(dir)).filter((name) => NAME.test(name) && !name.startsWith(ownId))
    for (const processId of new Set(names.map((name) => name.slice(0, UUID_LENGTH)))) {
      const alive = await isOwnerAlive(await pathsOf(dir, processId))
      // read only now: until it ended, its files grew
      if (alive !== 'yes' && !(await recoverProcess(await pathsOf(dir, processId), alive, options))) return
    }
  } catch (error) {
    // nobody has written there yet
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    options.warn('spool_unreadable', `what ended processes left in ${dir} is not sent: ${String(error)}`)
  }
}

/** The files of one process, in the order in which they were written. */
async function pathsOf(dir: string, processId: string): Promise<readonly string[]> {
  const own = (await readdir(dir)).filter((name) => NAME.test(name) && name.startsWith(processId))
  return own.sort((a, b) => numberOf(a) - numberOf(b)).map((name) => join(dir, name))
}

/** `unknown` only where nothing has been heard of it for a while. */
async function isOwnerAlive(paths: readonly string[]): Promise<'yes' | 'no' | 'unknown'> {
  for (const path of paths) {
    const file = await readSpool(path)
    const alive = typeof file === 'object' ? isAlive(file.header.owner) : 'unknown'
    if (alive !== 'unknown') return alive
  }
  const ages = await Promise.all(paths.map(ageMs))
  return ages.every((age) => age > STALE_MS) ? 'unknown' : 'yes'
}

/** @returns false where the collector takes nothing now */
async function recoverProcess(
  paths: readonly string[],
  alive: 'no' | 'unknown',
  options: RecoverOptions,
): Promise<boolean> {
  const files = await Promise.all(paths.map(readSpool))
  // a file that is not there any more is another process's work
  if (files.some((file) => file === 'gone')) return true
  const contents = files.filter((file) => typeof file === 'object')
  if (files.includes(undefined))
    options.warn('spool_unreadable', `${paths.join(', ')}: not a spool file, left as it is`)
  const isWhole = alive === 'no' && contents.length === files.length
  if (contents.length > 0 && !(await send(contents, isWhole, options))) return false
  for (const [index, path] of paths.entries()) if (files[index] !== undefined) await remove(path)
  return true
}

async function send(
  contents: readonly SpoolContent[],
  isWhole: boolean,
  options: RecoverOptions,
): Promise<boolean> {
  const last = contents.at(-1)
  if (!last) return true
  const books = closeBooks(contents)
  const waiting = contents
    .flatMap(({ events }) => events)
    .filter(({ event }) => event.seq >= last.note.settled)
    .map(({ line }) => line)
  const ended = isWhole && contents.every(({ complete }) => complete) ? endOf(last, books) : undefined
  const lines = ended ? [...waiting, JSON.stringify(ended)] : waiting
  const produced = ended ? books.produced + 1 : books.produced
  let rejected = 0
  // an empty batch too: it tells the books
  for (const batch of batchesOf(lines)) {
    const dropped = { ...books.dropped }
    if (rejected > 0) dropped.rejected = (dropped.rejected ?? 0) + rejected
    const report = { ...last.header.process, books: { produced, dropped } }
    const body = `{"contract":${CONTRACT_VERSION},"process":${JSON.stringify(report)},"events":[${batch.join(',')}]}`
    const { settings } = options
    const result = await postBatch(
      settings,
      [Buffer.from(body)],
      settings.requestTimeoutMs,
      new AbortController().signal,
    )
    if (result.kind !== 'stored') return false
    rejected += result.rejected
  }
  return true
}

/** What the process had produced and dropped, as far as its files tell: with what was damaged among the dropped. */
function closeBooks(contents: readonly SpoolContent[]): ProcessBooks {
  const last = contents.at(-1)
  const seqs = contents.flatMap(({ events }) => events.map(({ event }) => event.seq))
  const noted = Math.max(...contents.map(({ note }) => note.books.produced))
  const known = seqs.reduce((most, seq) => Math.max(most, seq + 1), noted)
  const damaged = contents.reduce((sum, content) => sum + content.damaged, 0)
  const dropped = { ...last?.note.books.dropped }
  if (damaged > 0) dropped.spool_damaged = (dropped.spool_damaged ?? 0) + damaged
  // the record that was being written had the next number
  return { produced: last?.torn ? known + 1 : known, dropped }
}

/** That the process has ended, as every process that recovers it says it: the same id, the same content. */
function endOf(last: SpoolContent, books: ProcessBooks): SyncproofEvent | undefined {
  const event = last.events.at(-1)?.event ?? last.header
  if ('kind' in event && event.kind === 'process_ended') return undefined
  const digest = createHash('sha256').update(`${last.header.process.id} ended`).digest('hex')
  const time = Date.parse(event.at).toString(16).padStart(12, '0')
  const id = `${time.slice(0, 8)}-${time.slice(8)}-7${digest.slice(0, 3)}-8${digest.slice(3, 6)}-${digest.slice(6, 18)}`
  return {
    id,
    seq: books.produced,
    kind: 'process_ended',
    at: event.at,
    monotonic_us: event.monotonic_us,
    last_seq: books.produced - 1,
  }
}

function* batchesOf(lines: readonly string[]): Generator<readonly string[]> {
  let batch: string[] = []
  let chars = 0
  for (const line of lines) {
    if (batch.length === BATCH_EVENTS_MAX || chars + line.length > BATCH_CHARS_MAX) {
      yield batch
      batch = []
      chars = 0
    }
    batch.push(line)
    chars += line.length
  }
  yield batch
}

async function readSpool(path: string): Promise<ReturnType<typeof parseSpool> | 'gone'> {
  try {
    if ((await stat(path)).size > FILE_BYTES_MAX) return undefined
    return parseSpool(await readFile(path, 'utf8'))
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'gone' : undefined
  }
}

async function ageMs(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  )
}

async function remove(path: string): Promise<void> {
  // another process may have been quicker; a folder that cannot be written keeps it, and it is sent again
  await unlink(path).catch(() => {})
}

function numberOf(name: string): number {
  return Number(NAME.exec(name)?.[1])
}
