import type { TestProject } from 'vitest/node'
import { startPostgres } from './throwaway-servers.ts'

/** Brings up PostgreSQL 18 from npm, whatever the machine has and TEST_DATABASE_URL names. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres(true)
  process.stderr.write(`> throwaway ${server.description}\n`)
  project.provide('postgresUrl', server.url)
  project.provide('redisUrl', '')
  return () => server.stop()
}
