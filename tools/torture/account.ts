import pg from 'pg'
import type { Traffic } from './traffic.ts'

export interface Account {
  readonly acknowledged: number
  readonly stored: number
  /** Acknowledged, and not stored. */
  readonly lost: number
  /** Stored more than once: by id, or by the number that its process gave it. */
  readonly doubled: number
  /** Numbers that the books of a process count, and that are not stored, or the other way round. */
  readonly miscounted: number
}

/** Compares what was acknowledged with what is stored. */
export async function accountOf(database: string, traffic: Pick<Traffic, 'acknowledged'>): Promise<Account> {
  const client = new pg.Client(database)
  await client.connect()
  try {
    const ids = traffic.acknowledged.flatMap((batch) => batch.ids)
    const { rows } = await client.query(
      `select
        (select count(*) from syncproof.events)::int as stored,
        (select count(*) from unnest($1::uuid[]) as sent(id)
          where not exists (select from syncproof.events where events.id = sent.id))::int as lost,
        (select count(*) - count(distinct id) from syncproof.events)::int
          + (select count(*) - count(distinct (process_id, seq)) from syncproof.events)::int as doubled,
        (select count(*) from syncproof.processes as known
          where known.stored <> (select count(*) from syncproof.events where events.process_id = known.process_id)
          or known.seen <> (select coalesce(range_agg(int8range(seq, seq + 1)), '{}')
            from syncproof.events where events.process_id = known.process_id))::int as miscounted`,
      [ids],
    )
    return { acknowledged: ids.length, ...rows[0] }
  } finally {
    await client.end()
  }
}

/** @throws where something acknowledged is lost, doubled or miscounted */
export function assertKept(account: Account): void {
  const { lost, doubled, miscounted } = account
  if (lost + doubled + miscounted > 0) throw new Error(`BROKEN: ${JSON.stringify(account)}`)
}
