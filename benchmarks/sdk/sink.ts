// Receives what the benchmark sends, in a process of its own so that its work is not counted. Answers as a
// collector of either protocol does, and says on request how many events and spans' requests it was sent.
import { createServer } from 'node:http'
import { gunzipSync } from 'node:zlib'

let events = 0

const server = createServer((request, response) => {
  if (request.url === '/events') return void response.end(String(events))
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    if (request.url !== '/v1/events') return void response.end()
    const raw = Buffer.concat(chunks)
    const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString()
    const accepted = (JSON.parse(text) as { events: unknown[] }).events.length
    events += accepted
    response.writeHead(202, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ accepted, duplicates: 0, rejected: [] }))
  })
})

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') process.send?.(`http://127.0.0.1:${address.port}`)
})
