import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FileOptions, file } from '../src/index.ts'
import { listed, signal } from './api.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'syncproof-file-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function given(name: string, content: string | Uint8Array, more: Partial<FileOptions> = {}) {
  const path = join(folder, name)
  await writeFile(path, content)
  return file({ path, key: 'id', ...more }).open()
}

const ndjson =
  '{"id":"b","name":"Bob","big":9007199254740993}\n\n{"id":"a","name":"Ada","gone":true}\r\n{"id":"ä","name":null}'
const csv = '\uFEFFid;name;note\nb;Bob;"says ""hi"";\nand more"\na;Ada;\\N\nä;"\\N";\n'

describe('a file', () => {
  it.each([
    ['lines', 'people.ndjson', ndjson],
    ['compressed lines', 'people.jsonl.gz', gzipSync(ndjson)],
    ['compressed lines without a name for it', 'compressed.ndjson', gzipSync(ndjson)],
    [
      'a list',
      'people.json',
      `[${ndjson
        .split(/\s*\n\s*/)
        .filter(Boolean)
        .join(',')}]`,
    ],
  ])('of %s is read whole, with every digit', async (_, name, content) => {
    const source = await given(name, content, { deleted: 'gone' })
    expect(await listed(source)).toMatchObject([
      { key: 'b', fields: { name: 'Bob', big: '9007199254740993' } },
      { key: 'a', fields: { name: 'Ada' }, deleted: true },
      { key: 'ä', fields: { name: null } },
    ])
    expect((await source.get?.('ä', signal))?.fields).toEqual({ name: null })
    expect(await source.get?.('c', signal)).toBeUndefined()
  })

  it('of CSV is read by its header, with quotes, line breaks and a text for null', async () => {
    const source = await given('people.csv', csv, { delimiter: ';', nullText: '\\N' })
    expect(await listed(source)).toMatchObject([
      { key: 'b', fields: { name: 'Bob', note: 'says "hi";\nand more' } },
      { key: 'a', fields: { name: 'Ada', note: null } },
      { key: 'ä', fields: { name: '\\N', note: '' } },
    ])
  })

  it('was true when it was written, and is read anew when it has changed', async () => {
    const source = await given('changing.ndjson', '{"id":1,"name":"old"}\n')
    const before = await source.get?.('1', signal)
    await given('changing.ndjson', '{"id":1,"name":"newer"}\n')
    const after = await source.get?.('1', signal)
    expect(after?.fields).toEqual({ name: 'newer' })
    expect(Date.parse(after?.observedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(before?.observedAt ?? ''))
    expect(Math.abs(Date.parse(after?.observedAt ?? '') - Date.now())).toBeLessThan(60_000)
  })

  it('of many lines is gone on with behind what has come, in bounded memory', async () => {
    const lines = Array.from({ length: 2_500 }, (_, n) => `{"id":${n},"name":"n${n}"}\n`).join('')
    const source = await given('many.ndjson', lines)
    let position: string | undefined
    for await (const batch of source.list(signal)) {
      position = batch.position
      break
    }
    const rest: string[] = []
    for await (const { records } of source.list(signal, { after: position })) {
      rest.push(...records.map(({ key }) => key))
    }
    expect([rest.length, rest[0], rest.at(-1)]).toEqual([1_500, '1000', '2499'])
    await given('many.ndjson', `${lines}{"id":2500}\n`)
    const another = source.list(signal, { after: position })[Symbol.asyncIterator]().next()
    await expect(another).rejects.toMatchObject({ code: 'cursor_expired' })
  })

  it.each<[string, string, string | Uint8Array, string, Partial<FileOptions>]>([
    ['half a line', 'half.ndjson', '{"id":1}\n{"id":2,"na', 'truncated', {}],
    ['a line that is no JSON', 'bad.ndjson', '{"id":1}\nAda\n{"id":2}\n', 'not_json', {}],
    ['a compression that is cut off', 'cut.ndjson.gz', gzipSync(ndjson).subarray(0, -12), 'truncated', {}],
    ['a compression that is damaged', 'damaged.ndjson.gz', damaged(), 'not_json', {}],
    ['bytes that are not UTF-8', 'latin.ndjson', Buffer.from('{"id":"\xe4"}\n', 'latin1'), 'not_utf8', {}],
    ['CSV that is not UTF-8', 'latin.csv', Buffer.from('id\n\xe4\n', 'latin1'), 'not_utf8', {}],
    ['a row of too many cells', 'wide.csv', 'id,name\n1,Ada,x\n', 'unexpected_shape', {}],
    ['quotes that do not end', 'open.csv', 'id,name\n1,"Ada\n2,Bob\n', 'truncated', {}],
    ['a column twice', 'twice.csv', 'id,name,name\n1,a,b\n', 'unexpected_shape', {}],
    ['an object instead of a list', 'object.json', '{"id":1}', 'unexpected_shape', {}],
    ['a key of another type', 'key.ndjson', '{"id":{"a":1}}\n', 'key_missing', {}],
    ['a record without its key', 'keyless.csv', 'name\nAda\n', 'key_missing', {}],
  ])('with %s is not whole', async (_, name, content, code, more) => {
    await expect(listed(await given(name, content, more))).rejects.toMatchObject({
      name: 'ListingError',
      code,
      detail: expect.stringContaining(name),
    })
  })

  it('with a record of 1 GB is given up before it is in memory', async () => {
    const source = await given(
      'huge.ndjson.gz',
      gzipSync(Buffer.alloc(1024 * 1024 * 1024, 'x'), { level: 1 }),
    )
    const before = process.memoryUsage.rss()
    await expect(listed(source)).rejects.toMatchObject({ code: 'body_too_large' })
    expect(process.memoryUsage.rss() - before).toBeLessThan(150 * 1024 * 1024)
  })

  it('that has one key twice is not read by key, and that is not there is said', async () => {
    const source = await given('double.ndjson', '{"id":1,"n":1}\n{"id":1,"n":2}\n')
    await expect(source.get?.('1', signal)).rejects.toMatchObject({ code: 'duplicate_key' })
    const gone = file({ path: join(folder, 'gone.ndjson'), key: 'id' }).open()
    await expect(listed(gone)).rejects.toMatchObject({ code: 'file_not_found' })
    const aFolder = file({ path: folder, key: 'id', format: 'csv' }).open()
    await expect(listed(aFolder)).rejects.toMatchObject({ code: 'file_not_found' })
    expect(() => file({ path: 'people.xlsx', key: 'id' })).toThrow(/file\.format: is not known/)
  })
})

function damaged(): Uint8Array {
  const bytes = gzipSync(ndjson.repeat(100))
  bytes.fill(0x55, 30, 60)
  return bytes
}
