import Fastify from 'fastify'
import pg from 'pg'

/** A route as it is written first: every event of a body in a query of its own, answered when all are stored. */
const [, , url = '', port = '0'] = process.argv
const pool = new pg.Pool({ connectionString: url, max: 10 })
const app = Fastify({ bodyLimit: 32 * 1024 * 1024 })

interface Sent {
  readonly process: { readonly id: string }
  readonly events: readonly {
    readonly id: string
    readonly seq: number
    readonly kind: string
    readonly operation_id: string
    readonly at: string
    readonly entity?: { readonly type: string; readonly id: string }
  }[]
}

app.post<{ Body: Sent }>('/v1/events', async (request, reply) => {
  const { process, events } = request.body
  for (const event of events) {
    await pool.query(
      `insert into syncproof.events (project_id, lane, process_id, id, seq, kind, operation_id, entity_type, entity_id,
         entity_hash, at, payload)
       values ('peer', 0, $1, $2, $3, $4, $5, $6, $7, syncproof.entity_hash($6, $7), $8, $9)
       on conflict do nothing`,
      [
        process.id,
        event.id,
        event.seq,
        event.kind,
        event.operation_id,
        event.entity?.type,
        event.entity?.id,
      ].concat(event.at, JSON.stringify(event) as never),
    )
  }
  return reply.code(202).send({ accepted: events.length, duplicates: 0, rejected: [] })
})
await app.listen({ host: '127.0.0.1', port: Number(port) })
process.stderr.write('Collector: the peer listens\n')
process.once('SIGTERM', () => void app.close().then(() => pool.end()))
