import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { cpus, loadavg } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Body, makeBodies } from './bodies.ts'
import { sendAll } from './load.ts'
import { startIngest } from './services.ts'

/** Ten times more than can be stored: what it costs in memory, how soon the rest is told to wait, and how soon all is as
 *  before. Quotas are off: what bounds it is memory alone. */
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, times: { type: 'string', default: '10' } },
})
const [SECONDS, TIMES] = [Number(values.seconds), Number(values.times)]
const OPERATIONS = 250
const AT_ONCE = 16
const WANTED = { refusedMs: 100, normalS: 60, ackMs: 250 }
const PAGE_BYTES = 4_096

interface Answer {
  /** 0 where there was none. */
  readonly status: number
  readonly ms: number
}

await using opened = new AsyncDisposableStack()
const ingest = await startIngest(opened, {
  SYNCPROOF_QUOTA_REQUESTS: '1000000',
  SYNCPROOF_QUOTA_BYTES: '1000000000000',
})
const agent = new Agent({ keepAlive: true })
/** Of each process's first batch, with its connection. */
const firstMs: number[] = []

const warmUp = makeBodies(40, OPERATIONS)
await sendAll(ingest.api, gzips(warmUp), AT_ONCE)
const measured = makeBodies(100, OPERATIONS)
const capacity = measured.length / (await sendAll(ingest.api, gzips(measured), AT_ONCE))
await delay(2_000)
const idleMb = rssMb()

let peakMb = idleMb
const watch = setInterval(() => {
  peakMb = Math.max(peakMb, rssMb())
}, 50)
const answers = await offer(capacity * TIMES)
clearInterval(watch)
const endMs = performance.now()
const normalS = await untilNormal()
await delay(Math.max(0, WANTED.normalS * 1_000 - (performance.now() - endMs)))
const afterMb = rssMb()

const refused = answers.filter(({ status }) => status === 503)
const refusedMs = quantile(
  refused.map(({ ms }) => ms),
  0.99,
)
const others = answers.filter(({ status }) => status !== 503 && status !== 202)
const perSecond = (count: number) => (count / SECONDS).toFixed(1)
const isMet = refusedMs <= WANTED.refusedMs && normalS <= WANTED.normalS && others.length === 0
const lines = [
  `${ingest.description}, fsync on; Node ${process.version}; ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}`,
  `capacity ${capacity.toFixed(1)} batches/s of ${Math.round((measured[0] as Body).events)} events; offered ${perSecond(answers.length)} for ${SECONDS} s`,
  '',
  `  stored               ${perSecond(answers.filter(({ status }) => status === 202).length)} batches/s`,
  `  told to come again   ${perSecond(refused.length)} batches/s, p99 ${refusedMs.toFixed(1)} ms   wanted: at most ${WANTED.refusedMs}`,
  `  a first batch, with its connection, p99 ${quantile(firstMs, 0.99).toFixed(0)} ms`,
  `  anything else        ${others.length}   wanted: 0`,
  `  RSS of the collector ${idleMb} MB before, ${peakMb} at most, ${afterMb} a minute after`,
  `  normal again         ${normalS.toFixed(1)} s after   wanted: at most ${WANTED.normalS}`,
  '',
  isMet ? 'met' : 'MISSED',
]
process.stdout.write(`${lines.join('\n')}\n`)
process.exitCode = isMet ? 0 : 1
agent.destroy()

function gzips(bodies: readonly Body[]): readonly Buffer[] {
  return bodies.map(({ gzip }) => gzip)
}

/** As many processes as it takes, each with a connection and a batch a second, whatever was answered. Making bodies takes longer
 *  than sending them: what was stored is sent again. */
async function offer(batchesPerSecond: number): Promise<readonly Answer[]> {
  const bodies = gzips(makeBodies(300, OPERATIONS))
  const answers: Answer[] = []
  const endMs = performance.now() + SECONDS * 1_000
  await Promise.all(
    Array.from({ length: Math.ceil(batchesPerSecond) }, async (_, sender) => {
      await delay((1_000 / batchesPerSecond) * sender)
      // opens the connection, which the kernel hands over one a turn of the event loop
      firstMs.push((await post(bodies[sender % bodies.length] as Buffer)).ms)
      for (let count = sender + 1; performance.now() < endMs; count += 1) {
        const dueMs = performance.now() + 1_000
        answers.push(await post(bodies[count % bodies.length] as Buffer))
        await delay(Math.max(0, dueMs - performance.now()))
      }
    }),
  )
  return answers
}

function post(body: Buffer): Promise<Answer> {
  return new Promise((resolve) => {
    const startMs = performance.now()
    const answered = (status: number) => resolve({ status, ms: performance.now() - startMs })
    const headers = {
      ...{ authorization: `Bearer ${ingest.key}`, 'content-type': 'application/json' },
      ...{ 'content-encoding': 'gzip', 'content-length': body.length },
    }
    const sent = request(
      new URL('/v1/events', ingest.url),
      { method: 'POST', agent, headers },
      (response) => {
        response.resume().once('end', () => answered(response.statusCode ?? 0))
      },
    )
    sent.once('error', () => answered(0))
    sent.end(body)
  })
}

/** @returns seconds until ten batches in a row were acknowledged as soon as on a quiet day */
async function untilNormal(): Promise<number> {
  const startMs = performance.now()
  for (let inTime = 0; inTime < 10; ) {
    const [body] = makeBodies(1, OPERATIONS)
    const { status, ms } = await post((body as Body).gzip)
    inTime = status === 202 && ms <= WANTED.ackMs ? inTime + 1 : 0
    if (performance.now() - startMs > 2 * WANTED.normalS * 1_000) return Number.POSITIVE_INFINITY
  }
  return (performance.now() - startMs) / 1_000
}

function rssMb(): number {
  const [, pages = '0'] = readFileSync(`/proc/${ingest.collector.pid}/statm`, 'utf8').split(' ')
  return Math.round((Number(pages) * PAGE_BYTES) / 1e6)
}

function quantile(numbers: readonly number[], q: number): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0
}
