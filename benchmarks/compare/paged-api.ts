import { createServer } from 'node:http'

/** Serves pages of 500 records in key order, each after 20 ms. Says its port. */
const [, , records = '100000'] = process.argv
const PAGE_RECORDS = 500
const PAGE_MS = 20
const pages = new Map<number, string>()
for (let from = 0, page = 1; from < Number(records); from += PAGE_RECORDS, page += 1) {
  const items = Array.from({ length: Math.min(PAGE_RECORDS, Number(records) - from) }, (_, at) => {
    const n = from + at + 1
    return {
      id: `k${String(n).padStart(8, '0')}`,
      name: `Name ${n}`,
      email: `user${n}@example.com`,
      status: ['active', 'hired', 'rejected'][n % 3],
      score: n % 1000,
      active: n % 2 === 0,
      city: `City ${n % 97}`,
    }
  })
  pages.set(page, JSON.stringify({ data: items }))
}
const server = createServer((request, response) => {
  const page = Number(new URL(request.url ?? '/', 'http://127.0.0.1').searchParams.get('page') ?? 1)
  setTimeout(() => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(pages.get(page) ?? '{"data":[]}')
  }, PAGE_MS)
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`)
})
