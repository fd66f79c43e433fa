import { describe, expect, it } from 'vitest'
import { cursor, link } from '../src/index.ts'
import { type Answer, api, json, listed, people, signal, source } from './api.ts'

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
