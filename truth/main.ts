import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startPostgres } from '../tools/testing/throwaway-servers.ts'
import { brokenPromises } from './bounds.ts'
import { runSuite } from './suite.ts'
import { tableOf } from './table.ts'
import type { Round } from './world/stage.ts'

const USAGE = `npm run truth -- [--operations 20000] [--seed 1] [--processes 2] [--database postgres://…] [--keep FOLDER]

Real calls on a real PostgreSQL, found against what happened. Ends with 1 where a promise is broken. Ctrl-C ends it after the
round that is under way, with the figures so far.
--keep writes each round in which something was missed or false into the folder, as JSON.
--database must be empty, on a server with wal_level = logical; without it a server is started and thrown away.`

const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    processes: { type: 'string', default: '2' },
    database: { type: 'string' },
    keep: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
const [operations, seed, processes] = [values.operations, values.seed, values.processes].map(Number) as [
  number,
  number,
  number,
]
if (values.help || ![operations, seed, processes].every((each) => Number.isSafeInteger(each) && each > 0)) {
  process.stderr.write(`${USAGE}\n`)
  process.exit(values.help ? 0 : 2)
}

const server = values.database === undefined ? await startPostgres() : undefined
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    process.stderr.write('ending after this round; again to end at once\n')
    stop.abort()
  })
try {
  const startMs = Date.now()
  const results = await runSuite({
    database: values.database ?? server?.url ?? '',
    seed,
    operations,
    processes,
    signal: stop.signal,
    onRound: ({ operations: done, scores, retractions }, failed) => {
      const wrong = [...scores.values()].reduce((sum, score) => sum + score.false, 0)
      const rate = Math.round(done / ((Date.now() - startMs) / 1000))
      if (failed && values.keep !== undefined) keep(values.keep, failed, done)
      process.stderr.write(`${done} operations, ${rate}/s, ${wrong} false, ${retractions} taken back\n`)
    },
  })
  process.stdout.write(`seed ${seed}: ${tableOf(results)}\n`)
  const broken = brokenPromises(results)
  for (const line of broken) process.stdout.write(`\nBROKEN: ${line}\n`)
  process.exitCode = broken.length > 0 ? 1 : 0
} finally {
  await server?.stop()
}

function keep(folder: string, round: Round, done: number): void {
  mkdirSync(folder, { recursive: true })
  const [plans, processes] = [[...round.plans.values()], [...round.processes.values()]]
  writeFileSync(join(folder, `after-${done}.json`), JSON.stringify({ ...round, plans, processes }))
}
