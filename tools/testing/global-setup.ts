import type { TestProject } from 'vitest/node'
import { startPostgres, startRedis, type ThrowawayServer } from './throwaway-servers.ts'

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string
    redisUrl: string
  }
}

const NO_REDIS =
  'THE REDIS TESTS WERE NOT RUN: set TEST_REDIS_URL, or install redis-server (Debian: apt-get install redis-server).'

/** Brings up the real servers that the tests run on, and takes down what it brought up. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started: ThrowawayServer[] = []
  const own = async (server: Promise<ThrowawayServer | undefined>) => {
    const result = await server
    if (result) started.push(result)
    return result
  }
  const postgres = process.env.TEST_DATABASE_URL || (await own(startPostgres()))?.url
  const redis = process.env.TEST_REDIS_URL || (await own(startRedis()))?.url
  for (const server of started) process.stderr.write(`> throwaway ${server.description}\n`)
  const stop = async () => {
    for (const server of started) await server.stop()
  }
  if (!redis && process.env.CI === 'true') {
    await stop()
    throw new Error(NO_REDIS)
  }
  project.provide('postgresUrl', postgres ?? '')
  project.provide('redisUrl', redis ?? '')
  return async () => {
    await stop()
    if (!redis) process.stderr.write(`\n  !!  ${NO_REDIS}\n\n`)
  }
}
