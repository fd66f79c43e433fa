import { setTimeout as delay } from 'node:timers/promises'
import { type Account, accountOf, assertKept } from './account.ts'
import { openStage, type Stage } from './stage.ts'
import { startTraffic, type Traffic } from './traffic.ts'

const SENDERS = 12
const OPERATIONS_PER_BATCH = 20
/** Between two kills, so that each finds everybody at work. */
const BATCHES = 40
const START_TRIES_MAX = 50

/** Kills the collector under load, so many times. */
export function killCollector(times: number): Promise<Account> {
  return killing(times, (stage) => stage.killCollector())
}

/** Kills PostgreSQL under load, so many times: the postmaster and, with it, all that it runs. */
export function killPostgres(times: number): Promise<Account> {
  return killing(times, async ({ postgres }) => {
    process.kill(postgres.pid, 'SIGKILL')
    // what it ran holds the shared memory until it has noticed
    for (let tries = 1; ; tries += 1) {
      try {
        return await postgres.startAgain()
      } catch (error) {
        if (tries === START_TRIES_MAX) throw error
        await delay(100)
      }
    }
  })
}

async function killing(times: number, kill: (stage: Stage) => Promise<void>): Promise<Account> {
  await using opened = new AsyncDisposableStack()
  const stage = await openStage(opened)
  const traffic = startTraffic({ ...stage, senders: SENDERS, operationsPerBatch: OPERATIONS_PER_BATCH })
  try {
    for (let kills = 0; kills < times; kills += 1) {
      await traffic.more(BATCHES)
      await kill(stage)
      await traffic.more(1)
    }
  } finally {
    await traffic.stop()
  }
  assertInterrupted(traffic, times)
  const account = await accountOf(stage.database, traffic)
  assertKept(account)
  return account
}

/** A kill that nobody noticed has shown nothing. */
function assertInterrupted({ refusals, impatient }: Traffic, times: number): void {
  const noticed = [...refusals.values()].reduce((sum, count) => sum + count, 0)
  if (noticed < times) throw new Error(`only ${noticed} requests noticed ${times} kills`)
  if (impatient > 0) throw new Error(`BROKEN: ${impatient} answers did not say when to come again`)
}
