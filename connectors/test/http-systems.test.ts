import { describe, expect, it } from 'vitest'
import { basic, bearer, cursor, type HttpOptions, keyset, login, offset, page } from '../src/index.ts'
import { type Answer, api, json, listed, people, signal, source } from './api.ts'

const keys = async (url: string, options: Partial<HttpOptions>) =>
  (await listed(source(url, options))).map(({ key }) => key)
const numbers = (from: number, to: number) => people(from, to).map(({ id }) => String(id))
const read = (request: AsyncIterable<Buffer>) =>
  (async () => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    return Buffer.concat(parts).toString()
  })()

describe('a system is read to its end that pages by', () => {
  it.each<[string, Partial<HttpOptions>, Answer]>([
    [
      'an offset, and cuts the limit silently',
      { next: offset() },
      (response, url) => {
        const from = Number(url.searchParams.get('offset'))
        json(response, people(from, Math.min(from + 7, 40)))
      },
    ],
    [
      '`$skip`, as OData does',
      { next: offset({ param: '$skip' }), records: '$.value' },
      (response, url) => {
        const from = Number(url.searchParams.get('$skip'))
        json(response, { value: people(from, Math.min(from + 10, 40)) })
      },
    ],
    [
      'pages from 1',
      { next: page() },
      (response, url) => {
        const from = (Number(url.searchParams.get('page')) - 1) * 16
        json(response, people(from, Math.min(from + 16, 40)))
      },
    ],
    [
      'pages from 0',
      { next: page({ param: 'p', from: 0 }) },
      (response, url) => {
        const from = Number(url.searchParams.get('p')) * 20
        json(response, people(from, Math.min(from + 20, 40)))
      },
    ],
    [
      'the last key',
      { next: keyset({ param: 'starting_after' }), records: '$.data' },
      (response, url) => {
        const after = url.searchParams.get('starting_after')
        const from = after === null ? 0 : Number(after) + 1
        json(response, { data: people(from, Math.min(from + 9, 40)) })
      },
    ],
    [
      'the last key as JSON, which begins the next page, as CouchDB does',
      {
        next: keyset({ param: 'startkey', as: '{key}', inclusive: true, path: '$.id' }),
        records: '$.rows',
        key: 'id',
      },
      (response, url) => {
        const from = Number(JSON.parse(url.searchParams.get('startkey') ?? '0'))
        json(response, { rows: people(from, Math.min(from + 9, 40)) })
      },
    ],
    [
      'the last key within a filter in JSON',
      { next: keyset({ param: 'filter', as: '{"id":{"$gt":{key}}}' }) },
      (response, url) => {
        const filter = JSON.parse(url.searchParams.get('filter') ?? '{"id":{"$gt":-1}}')
        const from = filter.id.$gt + 1
        json(response, people(from, Math.min(from + 11, 40)))
      },
    ],
  ])('%s', async (_, options, answer) => {
    const { origin } = await api(answer)
    expect(await keys(`${origin}/people`, options)).toEqual(numbers(0, 40))
  })

  it('a search by POST, with the cursor in its body and properties nested', async () => {
    const { origin } = await api(async (response, _, request) => {
      const body = JSON.parse(await read(request))
      expect(body).toMatchObject({ sorts: ['ref'], limit: 10 })
      const from = Number(body.after ?? 0)
      const results = people(from, from + 10).map(({ id, name }) => ({
        id: `hs-${id}`,
        archived: id === 3,
        updatedAt: `v${id}`,
        properties: { ref: String(id), first_name: name, other: null },
      }))
      json(response, { results, paging: from < 30 ? { next: { after: String(from + 10) } } : {} })
    })
    const records = await listed(
      source(`${origin}/search`, {
        body: { sorts: ['ref'], limit: 10 },
        records: '$.results',
        key: '$.properties.ref',
        next: cursor('$.paging.next.after', { param: 'after' }),
        fields: { name: '$.properties.first_name', other: '$.properties.other' },
        version: '$.updatedAt',
        deleted: '$.archived',
      }),
    )
    expect(records.map(({ key }) => key)).toEqual(numbers(0, 40))
    expect(records[2]).toMatchObject({ key: '2', version: 'v2', fields: { name: 'n2', other: null } })
    expect(records[2]).not.toHaveProperty('deleted')
    expect(records[3]?.deleted).toBe(true)
  })
})

describe('several pages in flight', () => {
  it('come in order, as fast as they are asked for at once', async () => {
    let open = 0
    let most = 0
    const { origin } = await api((response, url) => {
      open += 1
      most = Math.max(most, open)
      const from = Number(url.searchParams.get('offset'))
      // the first of those that are asked for at once answers last
      setTimeout(
        () => {
          open -= 1
          json(response, people(from, Math.min(from + 10, 200)))
        },
        from % 40 === 10 ? 60 : 5,
      )
    })
    expect(await keys(origin, { next: offset(), inFlight: 4 })).toEqual(numbers(0, 200))
    expect(most).toBe(4)
  })

  it('are asked for anew where a page was shorter than the others', async () => {
    const { origin } = await api((response, url) => {
      const from = Number(url.searchParams.get('offset'))
      json(response, people(from, Math.min(from + (from === 20 ? 3 : 10), 90)))
    })
    expect(await keys(origin, { next: offset(), inFlight: 4 })).toEqual(numbers(0, 90))
  })

  it('share a token bucket with every source that asks as the same somebody', async () => {
    const atMs: number[] = []
    const { origin } = await api((response, url) => {
      atMs.push(performance.now())
      const from = Number(url.searchParams.get('offset'))
      json(response, people(from, Math.min(from + 10, 30)))
    })
    const options = { next: offset(), rate: '20/s', burst: 2, auth: bearer('one') }
    await Promise.all([keys(origin, options), keys(`${origin}/other`, options)])
    const spread = (atMs.at(-1) ?? 0) - (atMs[0] ?? 0)
    expect(spread).toBeGreaterThan((atMs.length - 2) * 50 - 20)
  })
})

describe('a listing that another process goes on with', () => {
  it.each<[string, Partial<HttpOptions>, Answer]>([
    [
      'by its cursor',
      { records: '$.data', next: cursor('$.next') },
      (response, url) => {
        const from = Number(url.searchParams.get('cursor') ?? 0)
        json(response, { data: people(from, from + 10), next: from < 40 ? from + 10 : null })
      },
    ],
    [
      'by its place',
      { next: offset() },
      (response, url) => {
        const from = Number(url.searchParams.get('offset'))
        json(response, people(from, Math.min(from + 10, 50)))
      },
    ],
  ])('begins behind what has come, %s', async (_, options, answer) => {
    const { origin } = await api(answer)
    const first: string[] = []
    let position: string | undefined
    for await (const batch of source(origin, options).list(signal)) {
      first.push(...batch.records.map(({ key }) => key))
      position = batch.position
      if (first.length === 20) break
    }
    const rest: string[] = []
    for await (const { records } of source(origin, options).list(signal, { after: position })) {
      rest.push(...records.map(({ key }) => key))
    }
    expect([...first, ...rest]).toEqual(numbers(0, 50))
  })

  it('says that the cursor has expired, so that it can begin anew', async () => {
    let isExpired = false
    const { origin } = await api((response, url) => {
      const from = Number(url.searchParams.get('cursor') ?? 0)
      if (isExpired && from > 0) response.writeHead(410).end()
      else json(response, { data: people(from, from + 10), next: from + 10 })
    })
    const options = { records: '$.data', next: cursor('$.next') }
    const [batch] = await gathered(take(source(origin, options).list(signal), 1))
    isExpired = true
    const listing = source(origin, options).list(signal, { after: batch?.position })
    await expect(gathered(listing)).rejects.toMatchObject({ code: 'cursor_expired' })
  })

  it('counts what came before, so that a system’s own count is held against all', async () => {
    const { origin } = await api((response, url) => {
      const from = Number(url.searchParams.get('offset'))
      json(response, people(from, Math.min(from + 10, 30)), { 'x-total-count': '40' })
    })
    const [first] = await gathered(take(source(origin, { next: offset() }).list(signal), 1))
    const rest = source(origin, { next: offset() }).list(signal, { after: first?.position })
    await expect(gathered(rest)).rejects.toMatchObject({
      code: 'truncated',
      detail: expect.stringContaining('counts 40 records and listed 30'),
    })
  })
})

async function gathered<T>(all: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const one of all) list.push(one)
  return list
}

async function* take<T>(all: AsyncIterable<T>, count: number): AsyncGenerator<T> {
  let taken = 0
  for await (const one of all) {
    yield one
    taken += 1
    if (taken === count) return
  }
}

describe('who asks', () => {
  it.each<[string, Partial<HttpOptions>, Record<string, string>]>([
    ['by Basic', { auth: basic('ada', 'pä:ss') }, { authorization: 'Basic YWRhOnDDpDpzcw==' }],
    ['by Bearer', { auth: bearer('t') }, { authorization: 'Bearer t' }],
    [
      'with several headers',
      { headers: { 'x-api-key': 'k', 'x-tenant': 'acme', accept: 'application/vnd.api+json' } },
      { 'x-api-key': 'k', 'x-tenant': 'acme', accept: 'application/vnd.api+json' },
    ],
  ])('is said %s', async (_, options, expected) => {
    const { origin } = await api((response, __, { headers }) => json(response, [{ id: 1, headers }]))
    const [record] = await listed(source(origin, options))
    expect(record?.fields.headers).toMatchObject(expected)
  })

  it('is asked for by a login of its own, again before the token expires and where it is refused', async () => {
    let logins = 0
    let valid = ''
    const { origin, asked } = await api(async (response, url, request) => {
      if (url.pathname === '/login') {
        expect(await read(request)).toBe('grant_type=client_credentials&client_secret=s')
        logins += 1
        valid = `t${logins}`
        json(response, { token: { access: valid }, expires_in: 3600 })
      } else if (request.headers['x-session'] === valid) json(response, people(0, 2))
      else response.writeHead(401).end()
    })
    const auth = login({
      url: `${origin}/login`,
      body: { grant_type: 'client_credentials', client_secret: 's' },
      form: true,
      token: '$.token.access',
      header: 'x-session',
      prefix: '',
    })
    const from = source(origin, { auth })
    await listed(from)
    await listed(from)
    expect(logins).toBe(1)
    valid = 'taken away'
    expect(await listed(from)).toHaveLength(2)
    expect(logins).toBe(2)
    expect(asked.filter((path) => path === '/login')).toHaveLength(2)
  })

  it('is told when the login refuses, or answers without a token', async () => {
    const { origin } = await api((response, url) => {
      if (url.pathname === '/refused') response.writeHead(403).end()
      else json(response, { nothing: true })
    })
    const refused = source(origin, { auth: login({ url: `${origin}/refused` }) })
    await expect(listed(refused)).rejects.toMatchObject({ code: 'permission_denied' })
    const empty = source(origin, { auth: login({ url: `${origin}/login`, body: { user: 'secret-user' } }) })
    await expect(listed(empty)).rejects.toMatchObject({
      code: 'permission_denied',
      detail: expect.stringContaining('without a token at $.access_token'),
    })
    await expect(listed(empty)).rejects.not.toThrow(/secret-user/)
  })
})

describe.concurrent('a server that refuses for now', () => {
  it.each<[string, Partial<HttpOptions>, (response: Parameters<Answer>[0]) => void]>([
    [
      'in a header, as the moment',
      { pause: { header: 'x-ratelimit-reset', unit: 'epoch-s' } },
      (response) => {
        const date = new Date('2030-01-01T00:00:00Z')
        const reset = String(date.getTime() / 1000 + 1)
        response.writeHead(429, { 'x-ratelimit-reset': reset, date: date.toUTCString() }).end()
      },
    ],
    [
      'in the body, in milliseconds',
      { pause: { path: '$.retry_after', unit: 'ms' } },
      (response) => response.writeHead(429).end('{"retry_after":1000}'),
    ],
  ])('says how long %s', async (_, options, refuse) => {
    const atMs: number[] = []
    const { origin } = await api((response) => {
      atMs.push(performance.now())
      if (atMs.length === 1) return refuse(response)
      json(response, people(0, 1))
    })
    expect(await listed(source(origin, options))).toHaveLength(1)
    expect((atMs[1] ?? 0) - (atMs[0] ?? 0)).toBeGreaterThan(950)
  })
})

describe('records', () => {
  it('are those that a filter means, by keys that begin with a prefix which is no part of them', async () => {
    const { origin, asked } = await api((response, url) => {
      if (url.pathname === '/people/crm-7') return json(response, { id: 'crm-7', type: 'person' })
      json(response, [
        { id: 'crm-1', type: 'person' },
        { id: 'crm-2', type: 'robot' },
        { id: 'erp-3', type: 'person' },
        { id: 'crm-4', type: 'person' },
      ])
    })
    const from = source(`${origin}/people`, {
      where: { path: '$.type', is: ['person'] },
      keyPrefix: 'crm-',
      get: '/people/{key}',
    })
    expect((await listed(from)).map(({ key }) => key)).toEqual(['1', '4'])
    expect((await from.get?.('7', signal))?.key).toBe('7')
    expect(asked).toContain('/people/crm-7')
  })

  it('have keys of several parts, each where an address needs it', async () => {
    const { origin, asked } = await api((response, url) => {
      const record = { tenant: 'a/b', id: 7, name: 'x' }
      json(response, url.pathname === '/all' ? [record] : record)
    })
    const from = source(`${origin}/all`, { key: ['tenant', 'id'], get: '/tenants/{tenant}/people/{id}' })
    const [record] = await listed(from)
    expect(record).toMatchObject({ key: 'a\\/b/7', fields: { name: 'x' } })
    expect((await from.get?.(record?.key ?? '', signal))?.key).toBe('a\\/b/7')
    expect(asked.at(-1)).toBe('/tenants/a%2Fb/people/7')
  })

  it('are read by key from a filtered list, whose being empty means that there is none', async () => {
    const { origin } = await api((response, url) => {
      const ref = url.searchParams.get('ref')
      json(response, { results: ref === 'x&y' ? [{ id: 'x&y', name: 'n' }] : [] })
    })
    const from = source(`${origin}/all`, { get: '/find?ref={key}', record: '$.results[0]' })
    expect((await from.get?.('x&y', signal))?.fields).toEqual({ name: 'n' })
    expect(await from.get?.('z', signal)).toBeUndefined()
  })

  it('are gone by the statuses that are said to mean it, and by no other', async () => {
    const { origin } = await api((response, url) => {
      response.writeHead(url.pathname === '/people/a' ? 400 : 404).end()
    })
    const from = source(`${origin}/people`, { get: '/people/{key}', gone: [400] })
    expect(await from.get?.('a', signal)).toBeUndefined()
    await expect(from.get?.('b', signal)).rejects.toMatchObject({ code: 'page_failed' })
  })

  it('are fewer than a probe counts, before and after, where the listing is not whole', async () => {
    const totals = [5, 7, 7, 9, 6, 4]
    const { origin } = await api((response, url) =>
      json(response, url.pathname === '/count' ? { total: totals.shift() } : people(0, 5)),
    )
    const from = source(`${origin}/people`, { count: { url: '/count', path: '$.total' } })
    expect(await listed(from)).toHaveLength(5)
    await expect(listed(from)).rejects.toMatchObject({
      code: 'truncated',
      detail: expect.stringContaining('counts 7 records and listed 5'),
    })
    expect(await listed(from)).toHaveLength(5)
  })

  it('are counted by a probe of its own', async () => {
    const { origin } = await api((response, url) => {
      if (url.pathname === '/count') return json(response, { total: '42' })
      json(response, people(0, 3))
    })
    const from = source(`${origin}/people`, { count: { url: '/count', path: '$.total' } })
    expect(await from.count?.(signal)).toBe(42)
    const wrong = source(`${origin}/people`, { count: { url: '/people', path: '$.total' } })
    await expect(wrong.count?.(signal)).rejects.toMatchObject({ code: 'unexpected_shape' })
  })
})

describe('bad input', () => {
  it('a million pages end where the listing may have no more', async () => {
    const { origin } = await api((response, url) => {
      const from = Number(url.searchParams.get('offset'))
      json(response, people(from, from + 1))
    })
    await expect(keys(origin, { next: offset(), pagesMax: 50 })).rejects.toMatchObject({
      code: 'truncated',
      detail: expect.stringContaining('does not end'),
    })
  })

  it('a redirect to a private address is not followed', async () => {
    const inner = await api((response) => json(response, people(0, 3)))
    const { origin } = await api((response) => {
      response.writeHead(302, { location: `${inner.origin}/latest/meta-data` }).end()
    })
    await expect(keys(origin, {})).rejects.toMatchObject({
      code: 'page_failed',
      detail: expect.stringContaining('Redirects are not followed'),
    })
    expect(inner.asked).toEqual([])
  })

  it('invalid UTF-8 is refused, not repaired', async () => {
    const { origin } = await api((response) => {
      response.end(Buffer.concat([Buffer.from('[{"id":1,"name":"'), Buffer.from([0xff]), Buffer.from('"}]')]))
    })
    await expect(keys(origin, {})).rejects.toMatchObject({ code: 'not_json' })
  })

  it('a record of 1 GB is given up before it is in memory', async () => {
    const { origin } = await api((response) => {
      response.write('[{"id":1,"name":"')
      const part = 'x'.repeat(1 << 20)
      let sent = 0
      const more = () => {
        while (sent < 1024) {
          sent += 1
          if (!response.write(part)) return response.once('drain', more)
        }
        return response.end('"}]')
      }
      more()
    })
    const before = process.memoryUsage.rss()
    await expect(keys(origin, {})).rejects.toMatchObject({ code: 'body_too_large' })
    expect(process.memoryUsage.rss() - before).toBeLessThan(150 * 1024 * 1024)
  })

  it('a clock that is a day ahead changes neither when a record was seen nor how long is waited', async () => {
    const tomorrow = () => new Date(Date.now() + 86_400_000)
    let asked = 0
    const { origin } = await api((response) => {
      asked += 1
      const date = tomorrow().toUTCString()
      if (asked === 1) response.writeHead(503, { date, 'retry-after': date }).end()
      else json(response, people(0, 1), { date })
    })
    const startedMs = performance.now()
    const [record] = await listed(source(origin))
    expect(performance.now() - startedMs).toBeLessThan(10_000)
    expect(Math.abs(Date.parse(record?.observedAt ?? '') - Date.now())).toBeLessThan(60_000)
  })

  it.each<[string, Partial<HttpOptions>, string]>([
    ['a key of another type', {}, 'key_missing'],
    ['200 with an error in the body', { records: '$.data' }, 'unexpected_shape'],
  ])('%s ends in a clear code', async (_, options, code) => {
    const { origin } = await api((response) =>
      json(response, options.records ? { error: 'quota' } : [{ id: { nested: 1 } }]),
    )
    await expect(keys(origin, options)).rejects.toMatchObject({ code })
  })
})
