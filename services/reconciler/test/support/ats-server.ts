import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { cursor, http, type SourceSpec } from '@syncproof/connectors'

export interface AtsRecord {
  readonly id: string
  readonly name: string
  readonly status: string
}

/** A real HTTP server that holds records, with the faults that real ones have. */
export interface AtsServer {
  readonly records: Map<string, AtsRecord>
  readonly url: string
  /** Keys in the order in which they were asked for one by one. */
  readonly asked: string[]
  /** Listings begun. */
  listings: number
  /** Every answer takes this long. */
  latencyMs: number
  /** The second page of a listing breaks off in the middle of a record. */
  truncated: boolean
  /** Pages begin at places and not behind keys: what is put in before a place moves what is behind it. */
  byPlace: boolean
  /** Answers 500 to a read of this key. */
  failingKey: string | undefined
  /** Hears when a listing begins (1) and when its last page was answered (-1). */
  onListing: (delta: 1 | -1) => void
  /** Answers listings instead, where it is set. */
  listing: ((response: ServerResponse, url: URL) => void) | undefined
  /** How far the clock of its answers is ahead. */
  clockAheadMs: number
  /** Runs before a record is answered. */
  beforeGet: (key: string) => Promise<void> | void
  spec(): SourceSpec
  close(): Promise<void>
}

const PAGE_SIZE = 100

export async function startAtsServer(records: readonly AtsRecord[]): Promise<AtsServer> {
  const server = createServer((request, response) => {
    answer(ats, request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const url = `http://127.0.0.1:${address.port}`
  const ats: AtsServer = {
    records: new Map(records.map((record) => [record.id, record])),
    url,
    asked: [],
    listings: 0,
    latencyMs: 0,
    truncated: false,
    byPlace: false,
    failingKey: undefined,
    onListing: () => {},
    listing: undefined,
    clockAheadMs: 0,
    beforeGet: () => {},
    spec: () =>
      http({
        url: `${url}/candidates`,
        records: '$.data',
        key: 'id',
        next: cursor('$.next'),
        get: '/candidates/{key}',
        timeout: '5s',
      }),
    async close() {
      if (!server.listening) return
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
  return ats
}

async function answer(ats: AtsServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', ats.url)
  const { pathname, searchParams } = url
  const isFirstPage = pathname === '/candidates' && !searchParams.has('after')
  if (isFirstPage) {
    ats.listings += 1
    ats.onListing(1)
  }
  await new Promise((resolve) => setTimeout(resolve, ats.latencyMs))
  response.setHeader('content-type', 'application/json')
  response.setHeader('date', new Date(Date.now() + ats.clockAheadMs).toUTCString())
  const key = pathname.split('/')[2]
  if (key !== undefined) return answerOne(ats, decodeURIComponent(key), response)
  if (ats.listing) return ats.listing(response, url)
  const after = searchParams.get('after') ?? ''
  const { page, next } = ats.byPlace ? pageAt(ats, Number(after)) : pageBehind(ats, after)
  if (next === undefined) ats.onListing(-1)
  const body = JSON.stringify({
    data: page,
    next: next === undefined ? null : `/candidates?after=${encodeURIComponent(next)}`,
  })
  response.end(ats.truncated && after !== '' ? body.slice(0, body.length / 2) : body)
}

function pageBehind(ats: AtsServer, key: string) {
  const all = [...ats.records.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  const page = all.filter(({ id }) => id > key).slice(0, PAGE_SIZE)
  const last = page.at(-1)?.id ?? ''
  return { page, next: all.some(({ id }) => id > last) ? last : undefined }
}

function pageAt(ats: AtsServer, place: number) {
  const end = place + PAGE_SIZE
  const page = [...ats.records.values()].slice(place, end)
  return { page, next: end < ats.records.size ? String(end) : undefined }
}

async function answerOne(ats: AtsServer, key: string, response: ServerResponse): Promise<void> {
  ats.asked.push(key)
  await ats.beforeGet(key)
  const record = ats.records.get(key)
  if (key === ats.failingKey) response.writeHead(500).end('{"error":"broken"}')
  else if (record === undefined) response.writeHead(404).end('{"error":"no such candidate"}')
  else response.end(JSON.stringify(record))
}
