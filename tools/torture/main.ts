import { parseArgs } from 'node:util'
import { killAlerting, outage } from './alerting.ts'
import { canMount, fillDisk } from './disk.ts'
import { watchForDivergence } from './divergence.ts'
import { fuzz } from './fuzz.ts'
import { killCollector, killPostgres } from './kill.ts'
import { countPages } from './pages.ts'
import { killReconciler } from './reconciling.ts'
import { cutReplies } from './replies.ts'
import { tailUnderWriters } from './tailing.ts'

const WRITERS = 64
const DELAY_MS_MAX = 50

interface Part {
  /** In its long form. */
  readonly times: number
  run(times: number): Promise<object>
}

const parts: Readonly<Record<string, Part>> = {
  collector: { times: 100, run: killCollector },
  postgres: { times: 20, run: killPostgres },
  replies: { times: 2_000, run: cutReplies },
  disk: { times: 50, run: fillDisk },
  fuzz: { times: 100_000, run: (bodies) => fuzzHarmlessly(bodies) },
  reconciling: { times: 100, run: killReconcilers },
  alerting: { times: 100, run: killAlerting },
  // seconds
  outage: { times: 3_600, run: outage },
  pages: { times: 100_000, run: countPages },
  divergence: { times: 1_000_000, run: watchForDivergence },
  tailing: { times: 10_000_000, run: (rows) => tailSoundly(rows) },
}

const USAGE = `npm run torture -- [${Object.keys(parts).join('|')} …] [--times N]

Kills for real what keeps events, and compares what was acknowledged with what is stored. All parts, where none is named.`

const { values, positionals } = parseArgs({
  options: { times: { type: 'string' }, help: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const times = values.times === undefined ? undefined : Number(values.times)
const isWrong =
  positionals.some((name) => !Object.hasOwn(parts, name)) || (times !== undefined && !(times > 0))
if (values.help || isWrong) {
  process.stderr.write(`${USAGE}\n`)
  process.exit(values.help ? 0 : 2)
}

for (const [name, part] of Object.entries(parts)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  if (name === 'disk' && !canMount()) {
    process.stdout.write('disk: left out, it needs root on Linux to mount a small disk\n')
    continue
  }
  const startMs = performance.now()
  const count = times ?? part.times
  const seen = await part.run(count)
  const seconds = Math.round((performance.now() - startMs) / 1_000)
  process.stdout.write(`${name}, ${count} times, ${seconds} s: ${JSON.stringify(seen)}\n`)
}

/** With the jobs in each of the two. */
async function killReconcilers(kills: number): Promise<object> {
  const redis = await killReconciler(kills, 'Redis')
  return { redis, postgres: await killReconciler(kills, 'PostgreSQL') }
}

async function tailSoundly(rows: number): Promise<object> {
  const tailed = await tailUnderWriters(rows, WRITERS)
  if (tailed.skipped + tailed.twice + tailed.unreal > 0) throw new Error(`BROKEN: ${JSON.stringify(tailed)}`)
  return tailed
}

async function fuzzHarmlessly(bodies: number): Promise<object> {
  const fuzzed = await fuzz(bodies)
  if (fuzzed.lost > 0 || fuzzed.delayMs.p99 >= DELAY_MS_MAX)
    throw new Error(`BROKEN: ${JSON.stringify(fuzzed)}`)
  return fuzzed
}
