import { ListingError, type RecordSource, type SourceRecord } from '@syncproof/core/comparison'
import { afterAll, describe, expect, it } from 'vitest'
import { cursor, type HttpOptions, http, link } from '../src/index.ts'
import { type Answer, type Api, json, startApi } from './api.ts'

const opened: { close(): Promise<void> }[] = []
afterAll(async () => {
  for (const thing of opened) await thing.close()
})

async function api(answer: Answer): Promise<Api> {
  const started = await startApi(answer)
  opened.push(started)
  return started
}

function source(url: string, options: Partial<HttpOptions> = {}): RecordSource {
  const made = http({ url, key: 'id', ...options }).open()
  opened.push(made)
  return made
}

const signal = new AbortController().signal

async function listed(from: RecordSource): Promise<SourceRecord[]> {
  const records: SourceRecord[] = []
  for await (const batch of from.list(signal)) records.push(...batch)
  return records
}

async function failure(from: RecordSource): Promise<ListingError> {
  const error = await listed(from).catch((cause: unknown) => cause)
  if (error instanceof ListingError) return error
  throw new Error('the listing did not fail as a listing does', { cause: error })
}

const people = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => ({ id: from + n, name: `n${from + n}` }))

describe('a listing', () => {
  it('in one body is read whole, its key apart from its fields', async () => {
    const { origin } = await api((response) => json(response, [{ id: 'a', name: 'Ada', email: null }]))
    const from = source(`${origin}/people`)
    expect(await listed(from)).toEqual([
      { key: 'a', fields: { name: 'Ada', email: null }, observedAt: expect.stringMatching(/Z$/) },
    ])
    expect(from.requests()).toBe(1)
    expect(from.ordered).toBe(false)
  })

  it('by Link headers is read to the page without a next one', async () => {
    const { origin, asked } = await api((response, url) => {
      const page = Number(url.searchParams.get('_page'))
      const next = `<${url.origin}/people?_page=${page + 1}>; rel="next", `
      json(response, people(page * 10, page * 10 + 10), {
        link: `<${url.origin}/people?_page=1>; rel="first", ${page < 3 ? next : ''}<${url.origin}/people?_page=3>; rel="last"`,
      })
    })
    const from = source(`${origin}/people?_page=1`, { next: link() })
    expect((await listed(from)).map(({ key }) => key)).toEqual(people(10, 40).map(({ id }) => String(id)))
    expect(asked).toHaveLength(3)
  })

  it.each([
    ['a token for a parameter of its name', { param: 'after' }, (to: number) => `t/${to}`, 'after=t%2F2'],
    ['a token for `cursor`', {}, (to: number) => `t${to}`, 'cursor=t2'],
    ['a path', {}, (to: number) => `/people?limit=2&from=${to}`, 'from=2'],
    ['a number', {}, (to: number) => to, 'cursor=2'],
  ])('by a cursor that is %s is read to its end', async (_, options, spell, expected) => {
    const { origin, asked } = await api((response, url) => {
      const text = /\d+$/.exec([...url.searchParams].findLast(([name]) => name !== 'limit')?.[1] ?? '0')
      const from = Number(text?.[0])
      json(response, { data: people(from, from + 2), meta: { next: from < 4 ? spell(from + 2) : null } })
    })
    const from = source(`${origin}/people?limit=2`, {
      records: '$.data',
      next: cursor('$.meta.next', options),
    })
    expect((await listed(from)).map(({ key }) => key)).toEqual(['0', '1', '2', '3', '4', '5'])
    expect(asked[1]).toContain(expected)
    expect(asked[1]).toContain('limit=2')
  })

  it('keeps every digit of a number', async () => {
    const { origin } = await api((response) =>
      json(
        response,
        '[{"id":9007199254740993,"big":12345678901234567890,"exact":0.1234567890123456789,"plain":1.50,"e":1e2,"far":1e400,"deep":[{"n":-9007199254740993}],"t":"9007199254740993"}]',
      ),
    )
    const [record] = await listed(source(origin))
    expect(record).toMatchObject({
      key: '9007199254740993',
      fields: {
        big: '12345678901234567890',
        exact: '0.1234567890123456789',
        plain: 1.5,
        e: 100,
        deep: [{ n: '-9007199254740993' }],
        t: '9007199254740993',
      },
    })
  })

  it('takes a record that two pages share once', async () => {
    const { origin } = await api((response, url) => {
      const second = url.searchParams.has('page')
      json(
        response,
        second ? people(1, 4) : people(0, 2),
        second ? {} : { link: '</people?page=2>; rel=next' },
      )
    })
    const keys = (await listed(source(`${origin}/people`, { next: link() }))).map(({ key }) => key)
    expect(keys).toEqual(['0', '1', '2', '3'])
  })

  it('sends its headers, and asks no faster than its rate', async () => {
    const atMs: number[] = []
    const { origin } = await api((response, url, request) => {
      atMs.push(performance.now())
      const page = Number(url.searchParams.get('p') ?? 0)
      json(
        response,
        [{ id: page, auth: request.headers.authorization }],
        page < 4 ? { link: `<?p=${page + 1}>; rel="next"` } : {},
      )
    })
    const from = source(origin, { next: link(), rate: '20/s', headers: { authorization: 'Bearer b' } })
    expect((await listed(from))[4]?.fields).toEqual({ auth: 'Bearer b' })
    expect((atMs[4] ?? 0) - (atMs[0] ?? 0)).toBeGreaterThan(190)
  })

  it('stops at once where it is told to', async () => {
    const { origin } = await api(() => {})
    const stop = new AbortController()
    const reading = source(origin).list(stop.signal)[Symbol.asyncIterator]().next()
    stop.abort(new Error('told to stop'))
    await expect(reading).rejects.toThrow('told to stop')
  })
})

describe.concurrent('an API that recovers', () => {
  it.each([
    ['seconds', () => '1'],
    ['a date of its own clock', () => new Date(Date.parse('2030-01-01T00:00:01Z')).toUTCString()],
  ])('is asked again after the %s of its Retry-After, and not before', async (_, retryAfter) => {
    const atMs: number[] = []
    const { origin } = await api((response) => {
      atMs.push(performance.now())
      if (atMs.length > 1) return json(response, people(0, 1))
      const date = new Date('2030-01-01T00:00:00Z').toUTCString()
      response.writeHead(429, { 'retry-after': retryAfter(), date }).end()
    })
    const from = source(origin)
    expect(await listed(from)).toHaveLength(1)
    expect((atMs[1] ?? 0) - (atMs[0] ?? 0)).toBeGreaterThan(990)
    expect(from.requests()).toBe(2)
  })

  it.each([
    ['a 503', (response: Parameters<Answer>[0]) => response.writeHead(503).end()],
    ['a connection that breaks before the answer', (response: Parameters<Answer>[0]) => response.destroy()],
    [
      'a connection that breaks in the middle of a page',
      (response: Parameters<Answer>[0]) => {
        response.writeHead(200, { 'content-length': '1000' })
        response.write('[{"id":1}', () => response.destroy())
      },
    ],
    ['half of a JSON text', (response: Parameters<Answer>[0]) => json(response, '[{"id":1},{"id"')],
  ])('is asked again after %s', async (_, breakOnce) => {
    let asked = 0
    const { origin } = await api((response) => {
      asked += 1
      if (asked === 1) breakOnce(response)
      else json(response, people(0, 2))
    })
    expect(await listed(source(origin))).toHaveLength(2)
  })
})

describe.concurrent('a listing that cannot be trusted', () => {
  const bodyOf =
    (answer: Answer) =>
    async (options: Partial<HttpOptions> = {}) => {
      const { origin } = await api(answer)
      return failure(source(`${origin}/people`, options))
    }

  it.each<[string, string, Answer]>([
    ['HTML', 'not_json', (r) => r.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Log in</h1>')],
    ['text', 'not_json', (r) => json(r, 'OK')],
    ['nothing', 'not_json', (r) => json(r, '')],
    [
      'bytes that are not UTF-8',
      'not_json',
      (r) => r.writeHead(200).end(Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d])),
    ],
    ['an error in a 200', 'unexpected_shape', (r) => json(r, { error: 'maintenance' })],
    ['a record that is none', 'unexpected_shape', (r) => json(r, [1])],
    ['a record without its key', 'key_missing', (r) => json(r, [{ id: 1 }, { name: 'x' }])],
    ['a key that is an object', 'key_missing', (r) => json(r, [{ id: {} }])],
    [
      'one key with two contents',
      'duplicate_key',
      (r) =>
        json(r, [
          { id: 1, a: 1 },
          { id: 1, a: 2 },
        ]),
    ],
    ['a 404', 'page_failed', (r) => r.writeHead(404).end()],
    ['a 401', 'permission_denied', (r) => r.writeHead(401).end()],
    ['a redirect', 'page_failed', (r) => r.writeHead(302, { location: 'http://169.254.169.254/' }).end()],
    ['fewer records than it counts', 'truncated', (r) => json(r, people(0, 5), { 'x-total-count': '6' })],
  ])('because it answers %s fails as it should, with a mend', async (_, code, answer) => {
    const error = await bodyOf(answer)()
    expect(error.code).toBe(code)
    expect(error.detail).toMatch(/Check|Set|Run again|name the final URL|must be|not UTF-8/)
  })

  it('because half a page came every time is `truncated`', async () => {
    expect((await bodyOf((response) => json(response, '[{"id":1},{"id"'))()).code).toBe('truncated')
  })

  it('because it sends the same cursor for ever fails as `cursor_repeated`', async () => {
    const error = await bodyOf((response, url) =>
      json(response, { data: url.searchParams.has('cursor') ? people(5, 9) : people(0, 5), next: 'same' }),
    )({ records: '$.data', next: cursor('$.next') })
    expect(error.code).toBe('cursor_repeated')
  })

  it('because it sends the same page under ever new cursors fails as `page_did_not_advance`', async () => {
    let n = 0
    const error = await bodyOf((response) => {
      n += 1
      json(response, { data: people(0, 5), next: `c${n}` })
    })({ records: '$.data', next: cursor('$.next') })
    expect(error.code).toBe('page_did_not_advance')
  })

  it('because it sends empty pages for ever fails as `page_did_not_advance`', async () => {
    let n = 0
    const error = await bodyOf((response) => {
      n += 1
      json(response, [], { link: `<?p=${n}>; rel="next"` })
    })({ next: link() })
    expect(error.code).toBe('page_did_not_advance')
    expect(n).toBeLessThan(50)
  })

  it('because its next page is on another origin is not followed there', async () => {
    const other = await api((response) => json(response, []))
    const error = await bodyOf((response) =>
      json(response, people(0, 1), { link: `<${other.origin}/people>; rel="next"` }),
    )({ next: link() })
    expect(error.code).toBe('foreign_origin')
    expect(other.asked).toEqual([])
  })

  it('because a page has 50 MB is given up before it is in memory', async () => {
    let sent = 0
    const error = await bodyOf((response) => {
      const chunk = Buffer.alloc(64 * 1024, 0x20)
      const more = () => {
        while (sent < 50 * 1024 * 1024 && !response.destroyed) {
          sent += chunk.length
          if (!response.write(chunk)) return response.once('drain', more)
        }
        return response.end()
      }
      more()
    })()
    expect(error.code).toBe('body_too_large')
    expect(sent).toBeLessThan(40 * 1024 * 1024)
  })

  it('because it is slower than the timeout fails as `timed_out`', async () => {
    expect((await bodyOf(() => {})({ timeout: '50ms' })).code).toBe('timed_out')
  })

  it('because nobody answers is `source_unreachable`', async () => {
    expect((await failure(source('http://127.0.0.1:1/people'))).code).toBe('source_unreachable')
  })

  it('because its server asks for an hour’s pause ends instead of waiting', async () => {
    const error = await bodyOf((response) => response.writeHead(429, { 'retry-after': '3600' }).end())()
    expect(error).toMatchObject({ code: 'page_failed', detail: expect.stringContaining('3600 s') })
  })

  it('is told without the parameters of its address', async () => {
    const { origin } = await api((response) => response.writeHead(404).end())
    const error = await failure(source(`${origin}/people?token=hush-hush`))
    expect(error.message).not.toContain('hush-hush')
  })

  it('because a record is nested 100,000 deep costs the run, not the process', async () => {
    const deep = `[{"id":1,"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}]`
    const { origin } = await api((response) => json(response, deep))
    expect(['unexpected_shape', 'not_json']).toContain((await failure(source(origin))).code)
  })
})

describe('a read by key', () => {
  it('answers the record, or undefined for 404 and 410', async () => {
    const { origin, asked } = await api((response, url) => {
      if (url.pathname === '/people/a%2Fb%20%7Bkey%7D')
        return json(response, { data: { id: 'a/b {key}', n: 1 } })
      return response.writeHead(url.pathname.endsWith('gone') ? 410 : 404).end()
    })
    const from = source(`${origin}/people`, { get: '/people/{key}', record: '$.data' })
    expect(await from.get?.('a/b {key}', signal)).toMatchObject({ key: 'a/b {key}', fields: { n: 1 } })
    expect(await from.get?.('gone', signal)).toBeUndefined()
    expect(await from.get?.('none', signal)).toBeUndefined()
    expect(asked).toHaveLength(3)
  })

  it('is not offered where the API has none', () => {
    expect(source('http://127.0.0.1:1/people').get).toBeUndefined()
  })

  it.each<[string, string, Answer]>([
    ['another record', 'unexpected_shape', (r) => json(r, { id: 'b' })],
    ['a list', 'unexpected_shape', (r) => json(r, [{ id: 'a' }])],
    ['a 403', 'permission_denied', (r) => r.writeHead(403).end()],
    ['a 400', 'page_failed', (r) => r.writeHead(400).end()],
  ])('is neither a record nor a no where the API answers %s', async (_, code, answer) => {
    const { origin } = await api(answer)
    const from = source(`${origin}/people`, { get: '/people/{key}' })
    await expect(from.get?.('a', signal)).rejects.toMatchObject({ name: 'ListingError', code })
  })

  it.each(['', '.', '..'])('never asks for the collection by the key %j', async (key) => {
    const { origin, asked } = await api((response) => json(response, []))
    const from = source(`${origin}/people`, { get: '/people/{key}' })
    await expect(from.get?.(key, signal)).rejects.toMatchObject({ code: 'unexpected_shape' })
    expect(asked).toEqual([])
  })
})
