import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startDev } from '../../cli/src/index.ts'
import {
  closeBooks,
  type Ended,
  type ExitWay,
  endOnce,
  exitWays,
  listProcesses,
  recoverAll,
} from './exit-ways.ts'

/** Ends real processes in every way, `times` each with and without a spool, and closes the books of each with
 *  what a real collector says: `node sdk/test/torture.ts [times] [way]`. Processes of one way share a spool. Exits
 *  with 1 where a promise is broken. */
const times = Number(process.argv[2] ?? 100)
const only = process.argv[3]
const PARALLEL = 4

const dev = await startDev({ ephemeral: true, port: 0, metricsPort: 0 })
process.env.SYNCPROOF_API_KEY = dev.apiKey
let broken = 0
try {
  process.stdout.write(
    `each way ${times} times; produced = stored + dropped + in flight + unaccounted, from GET /v1/processes\n\n`,
  )
  process.stdout.write(
    '| way | spool | as promised | events made | lost in memory |\n|---|---|---|---|---|\n',
  )
  for (const way of Object.keys(exitWays) as ExitWay[]) {
    if (only !== undefined && only !== way) continue
    await tortureWay(way, false)
    await tortureWay(way, true)
  }
} finally {
  await dev.close()
}
process.exitCode = broken > 0 ? 1 : 0

async function tortureWay(way: ExitWay, spooled: boolean): Promise<void> {
  const spoolDir = spooled ? await mkdtemp(join(tmpdir(), 'syncproof-torture-')) : undefined
  const ended: Ended[] = []
  let next = 0
  const run = async () => {
    while (next < times) {
      next += 1
      ended.push(await endOnce(way, `${way} ${spooled} ${next}`, dev.url, spoolDir))
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, run))
  if (spoolDir !== undefined) {
    await recoverAll(dev.url, dev.apiKey, spoolDir)
    const left = await readdir(spoolDir)
    if (left.length > 0) process.stdout.write(`${left.length} files are left\n`)
    broken += left.length
    await rm(spoolDir, { recursive: true })
  }
  const rows = await listProcesses(dev.url, dev.apiKey)
  const verdicts = ended.map((one) => ({ one, verdict: closeBooks(one, rows.get(one.service)) }))
  const faults = verdicts.filter(({ verdict }) => verdict.fault !== undefined)
  for (const { one, verdict } of faults.slice(0, 5))
    process.stdout.write(`${one.service}: ${verdict.fault}\n`)
  broken += faults.length
  const made = ended.reduce((sum, one) => sum + one.made, 0)
  const lost = verdicts.reduce((sum, { verdict }) => sum + verdict.lost, 0)
  const kept = `${times - faults.length} of ${times}`
  process.stdout.write(`| ${way} | ${spooled ? 'yes' : 'no'} | ${kept} | ${made} | ${lost} |\n`)
}
