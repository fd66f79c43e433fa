import { ListingError, type RecordSource } from '@syncproof/core/comparison'
import { describe, expect, it } from 'vitest'
import { cursor, type HttpOptions, link } from '../src/index.ts'
import { type Answer, api, json, listed, people, source } from './api.ts'

async function failure(from: RecordSource): Promise<ListingError> {
  const error = await listed(from).catch((cause: unknown) => cause)
  if (error instanceof ListingError) return error
  throw new Error('the listing did not fail as a listing does', { cause: error })
}

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

  it('because its keys are in no order, where it was said that they are, is refused', async () => {
    const error = await bodyOf((response) => json(response, people(0, 9).toReversed()))({ ordered: true })
    expect(error.code).toBe('keys_not_ordered')
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
