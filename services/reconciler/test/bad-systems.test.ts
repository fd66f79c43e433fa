import type { ServerResponse } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import { http, page, postgres } from '@syncproof/connectors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { candidates, openWorld, type World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld('PostgreSQL', candidates(250))
  // a few pages are a million: the bound is the pair's
  await world.db.query(`
    create view candidate_view as select * from candidates;
    create table shrinking as select * from candidates`)
  await world.start(undefined, {
    pairs: {
      candidate: world.pair(),
      bounded: world.pair({
        target: http({
          url: `${world.ats.url}/candidates`,
          records: '$.data',
          key: 'id',
          next: page(),
          pagesMax: 30,
        }),
      }),
      column: world.pair({ source: table('candidates', 'number') }),
      absent: world.pair({ source: table('candidatez', 'id') }),
      view: world.pair({ source: table('candidate_view', 'id') }),
      dropped: world.pair({ source: table('shrinking', 'id') }),
    },
  })
  world.ats.records.delete('k00007')
  await world.reconcile()
})
afterAll(() => world.close())

function table(name: string, key: string) {
  return postgres({ url: world.sourceUrl, table: name, key })
}

async function reportOf(pair: string) {
  const report = await world.store.reports.request('default', pair, 'request', null)
  if (report === undefined) throw new Error(`${pair} is no pair`)
  return world.finished(report.id)
}

async function found() {
  const findings = await world.findings()
  return findings.map(({ kind, entity, status }) => `${entity?.type} ${kind} ${entity?.id} ${status}`)
}

/** Nothing is found that is not so, and nothing is taken for mended. @returns the report's detail */
async function expectUnknown(pair: string, code: string): Promise<string> {
  const before = await found()
  const report = await reportOf(pair)
  expect(report).toMatchObject({ result: 'unknown', diverged: 0, baseline: false, self_test: 'passed' })
  expect(report.problem?.code).toBe(code)
  const detail = report.problem?.detail ?? ''
  expect(detail).toMatch(
    /Check|Set|Run again|Name|name the|Ask for|must be|not UTF-8|Behind a proxy|Did you mean/,
  )
  expect(await found()).toEqual(before)
  return detail
}

const json = (response: ServerResponse, body: unknown) => void response.end(JSON.stringify(body))
const some = (from: number, to: number) => candidates(to).slice(from)

describe('a target', () => {
  it.each<[string, string, (response: ServerResponse, url: URL) => void]>([
    [
      'that answers HTML',
      'not_json',
      (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in</html>'),
    ],
    ['with an error in a 200', 'unexpected_shape', (response) => json(response, { error: 'maintenance' })],
    ['that sends half a page', 'truncated', (response) => void response.end('{"data":[{"id":"k00000","na')],
    [
      'that has the same cursor for ever',
      'cursor_repeated',
      (response, url) =>
        json(response, { data: some(0, url.searchParams.has('after') ? 9 : 5), next: '?after=x' }),
    ],
    [
      'that sends the same records for ever',
      'page_did_not_advance',
      (response) => json(response, { data: some(0, 5), next: `?after=${Math.random()}` }),
    ],
    [
      'that redirects to a private address',
      'page_failed',
      (response) => void response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end(),
    ],
    [
      'whose next page is on a private address',
      'foreign_origin',
      (response) => json(response, { data: some(0, 5), next: 'http://169.254.169.254/latest' }),
    ],
    [
      'with a record of 1 GB',
      'body_too_large',
      (response) => {
        response.write('{"data":[{"id":"k00000","name":"')
        const megabyte = 'x'.repeat(1 << 20)
        pipeline(Readable.from(Array.from({ length: 1_024 }, () => megabyte)), response, () => {})
      },
    ],
    [
      'with one key twice',
      'duplicate_key',
      (response) =>
        json(response, { data: [...some(0, 5), { ...some(4, 5)[0], name: 'Another' }], next: null }),
    ],
    [
      'with a key of another type',
      'key_missing',
      (response) => json(response, { data: [...some(0, 5), { id: { n: 6 }, name: 'Six' }], next: null }),
    ],
    [
      'with invalid UTF-8',
      'not_json',
      (response) => void response.end(Buffer.from('7b2264617461223a5b7b226964223a22ff227d5d7d', 'hex')),
    ],
  ])('%s makes a report unknown, and nothing else', async (_, code, listing) => {
    world.ats.listing = listing
    try {
      await expectUnknown('candidate', code)
    } finally {
      world.ats.listing = undefined
    }
  })

  it('that does not end is given up at the bound of its pages', async () => {
    world.ats.listing = (response, url) => {
      const at = Number(url.searchParams.get('page'))
      json(response, { data: [{ id: `n${String(at).padStart(7, '0')}`, name: 'Another', status: 'active' }] })
    }
    try {
      await expectUnknown('bounded', 'truncated')
    } finally {
      world.ats.listing = undefined
    }
  })

  it('whose clock is a day ahead is judged as any other', async () => {
    const before = await found()
    world.ats.clockAheadMs = 86_400_000
    expect(await reportOf('candidate')).toMatchObject({ result: 'diverged', diverged: 1, problem: null })
    world.ats.clockAheadMs = 0
    expect(await found()).toEqual(before)
  })
})

describe('a source table', () => {
  it('without the named column makes a report unknown, and says which columns there are', async () => {
    expect(await expectUnknown('column', 'column_not_found')).toContain('id, name, status')
  })

  it('that is not there makes a report unknown, and says which one is meant', async () => {
    expect(await expectUnknown('absent', 'table_not_found')).toContain('candidates')
  })

  it('that loses a column in mid-run makes a report unknown', async () => {
    world.ats.beforeGet = async () => {
      world.ats.beforeGet = () => {}
      await world.db.query('alter table shrinking drop column status')
    }
    await expectUnknown('dropped', 'column_not_found')
  })

  it('may be a view', async () => {
    expect(await reportOf('view')).toMatchObject({ result: 'diverged', diverged: 1, baseline: true })
    expect(await found()).toContain('view missing-in-target k00007 open')
  })
})
