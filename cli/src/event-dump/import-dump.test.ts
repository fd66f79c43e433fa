import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { UnableError } from '../command.ts'
import { checkDump } from './import-dump.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'syncproof-dump-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const id = '919108f7-52d1-4320-9bac-f847db4148a8'
const event = {
  id: '017f22e2-79b0-7cc3-98c4-dc0c0c07398f',
  seq: 1,
  kind: 'process_ended',
  at: '2026-11-20T12:00:00.000000Z',
  monotonic_us: 1,
  last_seq: 1,
  // a separator that ends a line for some, and not in JSON
  note: 'a\u2028b',
}
const process = {
  ...{ type: 'process', process: { id, service: 's' }, inconsistent: 0 },
  ...{ first_seen_at: '2026-11-20T12:00:00Z', last_seen_at: '2026-11-20T12:00:00Z' },
}
const whole: readonly object[] = [
  { type: 'export', version: 1, contract: 1, filter: { kind: 'process_ended' } },
  process,
  { type: 'event', process_id: id, event },
  { type: 'cursor', cursor: 'x' },
  { type: 'end', events: 1 },
]
const textOf = (lines: readonly object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('')
const at = (place: number, line: object) => textOf(whole.with(place, line))

async function check(content: string | Buffer, name = 'dump.ndjson') {
  const path = join(folder, name)
  await writeFile(path, content)
  return checkDump(path)
}

test('a whole file says what is in it, compressed or not', async () => {
  const summary = { filter: { kind: 'process_ended' }, events: 1, processes: 1 }
  expect(await check(textOf(whole))).toEqual(summary)
  expect(await check(gzipSync(textOf(whole)), 'dump.ndjson.gz')).toEqual(summary)
})

test.each<[string, string, RegExp]>([
  ['nothing in it', '', /is no export of events/],
  ['no last line', textOf(whole.slice(0, -1)), /its last line is missing/],
  ['a last line that was cut', textOf(whole).slice(0, -5), /Line 5 .* is no JSON, or was cut/],
  ['an event too few', textOf(whole.toSpliced(2, 1)), /says that it has 1 events, and has 0/],
  [
    'more after its end',
    textOf([...whole, { type: 'end', events: 1 }]),
    /Line 6 .* comes after the last one/,
  ],
  ['no head', textOf(whole.slice(1)), /Line 1 .* is not what an export has there/],
  ['a second head', at(3, whole[0] ?? {}), /Line 4 .* is not what an export has there/],
  ['a later form', at(0, { ...whole[0], version: 2 }), /is of version 2; this program reads 1/],
  ['an event of nobody', textOf(whole.toSpliced(1, 1)), /of a process that was not named before/],
  [
    'an event that is none',
    at(2, { type: 'event', process_id: id, event: { ...event, last_seq: 'x' } }),
    /breaks the contract: last_seq/,
  ],
  ['an event of no kind', at(2, { type: 'event', process_id: id, event: null }), /breaks the contract/],
  [
    'a process that is none',
    at(1, { ...process, process: { id } }),
    /process that breaks the contract: service/,
  ],
  [
    'a mark that nobody knows',
    at(2, { type: 'event', process_id: id, event, inconsistent: { contradicts: 'x' } }),
    /mark that is not known/,
  ],
  ['a line of another type', at(3, { type: 'secret' }), /type that is not known here/],
  ['something else', '{"findings":[]}\n', /Line 1 .* has no type/],
])('a file with %s is refused, and says at which line', async (_, content, message) => {
  await expect(check(content)).rejects.toThrow(message)
  await expect(check(content)).rejects.toThrow(UnableError)
})

test('a file that is not there, or no whole gzip, is said so', async () => {
  await expect(checkDump(join(folder, 'missing'))).rejects.toThrow(/cannot be read: ENOENT/)
  const cut = gzipSync(textOf(whole)).subarray(0, -12)
  await expect(check(cut, 'cut.ndjson.gz')).rejects.toThrow(UnableError)
})
