import {
  assertSchemaCompatibility,
  LATEST_SCHEMA_VERSION,
  runMigrations,
  SchemaMigrationRequiredError,
} from 'bullmq'
import { Client } from 'pg'

/** BullMQ's own schema: its tables are named `migration`, `event`, `meta` and must not meet ours. */
export const QUEUE_SCHEMA = 'bullmq'

/** Every queue by name. */
export const QUEUES = {
  detect: 'syncproof-detect',
  reconcile: 'syncproof-reconcile',
  segments: 'syncproof-segments',
  alerts: 'syncproof-alerts',
} as const

/** Makes the tables of the queue, or brings them to this release. Where there is nothing to do, no right is needed to do it:
 *  BullMQ itself would ask for the one to make schemas at each start.
 *  @throws the driver's error */
export async function migrateQueue(url: string): Promise<void> {
  await withClient(url, migrateWith)
}

/** `migrateQueue` as the owner, and the right to use the queue for a role that may make none.
 *  @throws the driver's error */
export async function prepareQueue(url: string, role: string): Promise<void> {
  await withClient(url, async (client) => {
    await migrateWith(client)
    // BullMQ makes the sequence of a queue's job numbers with its first job, which takes the right to make one
    for (const queue of Object.values(QUEUES))
      await client.query(`select ${QUEUE_SCHEMA}.next_job_id($1)`, [queue])
    const to = client.escapeIdentifier(role)
    await client.query(`
      grant usage on schema ${QUEUE_SCHEMA} to ${to};
      grant select, insert, update, delete on all tables in schema ${QUEUE_SCHEMA} to ${to};
      grant usage on all sequences in schema ${QUEUE_SCHEMA} to ${to}`)
  })
}

async function migrateWith(client: Client): Promise<void> {
  if ((await versionOf(client)) < LATEST_SCHEMA_VERSION) await runMigrations(client, QUEUE_SCHEMA)
}

/** 0 where there is no queue. */
async function versionOf(client: Client): Promise<number> {
  try {
    return await assertSchemaCompatibility(client, QUEUE_SCHEMA)
  } catch (error) {
    if (error instanceof SchemaMigrationRequiredError) return 0
    throw error
  }
}

async function withClient(url: string, run: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url })
  // a server that goes away also ends the connection in between
  client.on('error', () => {})
  await client.connect()
  try {
    await run(client)
  } finally {
    await client.end()
  }
}
