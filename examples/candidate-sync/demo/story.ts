import type { Report } from '@syncproof/store'
import { type Ats, startAts } from './ats.ts'
import { makeCandidates, type NewCandidate } from './candidates.ts'
import { readFound } from './evidence-found.ts'
import { explainLostUpdate } from './explanation.ts'
import { startFeed } from './findings-feed.ts'
import type { DemoOptions } from './options.ts'
import { trueDivergences } from './oracle/divergence.ts'
import type { ClientRequest, Row } from './oracle/evidence.ts'
import { type Database, installHistory, readHistory } from './oracle/history-trigger.ts'
import { judge } from './oracle/judge.ts'
import { reachRedis } from './reach.ts'
import type { ReportApi } from './report-api.ts'
import { type Score, score } from './score.ts'
import { type Screen, scoreTable } from './screen.ts'
import { driveTraffic, planTraffic } from './traffic.ts'
import { waitFor } from './wait.ts'
import type { World } from './world.ts'

const PAIR = 'candidate'
const CANDIDATES = 60
const CLIENTS = 24
const START_MS_MAX = 30_000
const PROXY_IDLE_MS_MAX = 30_000
const JUDGED_MS_MAX = 120_000
const REPORT_MS_MAX = 180_000

export interface Ending {
  readonly score: Score
  /** The candidate whose lost update was told in full. */
  readonly example: string | undefined
  readonly world: World
}

/** Starts everything, drives the traffic, and sets what Syncproof found beside what happened. What was opened is
 *  handed to `opened`. Aborting `stop` ends the traffic. */
export async function tell(
  options: DemoOptions,
  screen: Screen,
  opened: AsyncDisposableStack,
  stop: AbortSignal,
  onWorld: (world: World) => void,
): Promise<Ending> {
  intro(screen, options)
  if (options.redis !== undefined) await reachRedis(options.redis)
  const candidates = makeCandidates(options.seed, CANDIDATES, new Date())
  const ats = await startAts(options.seed, candidates)
  opened.defer(() => ats.stop())
  const world = await startWorld(options, ats, opened)
  onWorld(world)
  await installHistory(world.database)
  await seed(world.database, candidates)
  screen.pairs(world.parts)
  await baseline(world.api, screen)
  const requests = await traffic(options, world, candidates, screen, stop)
  // what failed otherwise never ran the wrapped function
  const operations = requests.filter(({ reply }) => reply.kind !== 'error').length
  const report = await settle(world, candidates, operations, screen)
  return { world, ...(await compare(world, requests, report, screen)) }
}

function intro(screen: Screen, { seed, database }: DemoOptions): void {
  screen.heading('Syncproof: two systems that have silently stopped agreeing')
  screen.say(
    `An app changes candidates in its database and at an ATS with the function syncCandidate: read, merge, write, sync. ` +
      `It has no bug that a unit test finds. Seed ${seed}.`,
  )
  screen.blank()
  screen.say(
    database ? 'Starting each part as a process of its own …' : 'Starting everything in this process …',
  )
}

async function startWorld(options: DemoOptions, ats: Ats, opened: AsyncDisposableStack): Promise<World> {
  if (options.database !== undefined) {
    const { startSeparate } = await import('./world-separate.ts')
    return startSeparate(options.database, ats, options, opened)
  }
  const { startEmbedded } = await import('./world-embedded.ts')
  return startEmbedded(ats, options, opened)
}

export async function seed(database: Database, candidates: readonly NewCandidate[]): Promise<void> {
  for (const one of candidates)
    await database.query(
      `INSERT INTO candidates (id, name, email, phone, stage, score, notes, "updatedBy", "updatedAt")
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        one.id,
        one.name,
        one.email,
        one.phone,
        one.stage,
        one.score,
        one.notes,
        one.updatedBy,
        one.updatedAt.toISOString(),
      ],
    )
}

async function baseline(api: ReportApi, screen: Screen): Promise<void> {
  await waitFor('the reconciler to know its pair', START_MS_MAX, async () =>
    (await api.pairs()).includes(PAIR) ? true : undefined,
  )
  const report = await reconcile(api)
  screen.heading('Before')
  screen.say(`${report.coverage?.compared ?? 0} candidates compared on both sides: ${report.result}.`)
}

async function traffic(
  options: DemoOptions,
  world: World,
  candidates: readonly NewCandidate[],
  screen: Screen,
  stop: AbortSignal,
): Promise<readonly ClientRequest[]> {
  const candidateIds = candidates.map(({ id }) => id)
  const steps = planTraffic({ seed: options.seed, requests: options.requests, candidateIds })
  screen.heading('Traffic')
  screen.say(
    `${options.requests} changes from ${CLIENTS} clients, some of one candidate at the same moment. ` +
      'The ATS is slow at times, refuses some with 422, and loses requests and replies.',
  )
  const log: ClientRequest[] = []
  const feed = startFeed(world.api, screen, () => `${log.length} of ${options.requests} answered`)
  await driveTraffic(world.appUrl, steps, { clients: CLIENTS, log, signal: stop })
  await feed.stop()
  const failed = log.filter(({ reply }) => reply.kind !== 'ok').length
  screen.say(`${log.length} changes answered, ${failed} with an error. The rest were told that all is well.`)
  return log
}

/** Waits until nothing is on its way any more, then asks for a report. */
async function settle(
  world: World,
  candidates: readonly NewCandidate[],
  operations: number,
  screen: Screen,
): Promise<Report> {
  const { ats, api } = world
  await waitFor('the last requests to reach the ATS', PROXY_IDLE_MS_MAX, async () =>
    ats.proxy.inFlight() === 0 ? true : undefined,
  )
  await ats.tamper(candidates.map(({ id }) => id))
  screen.say('Somebody changes one candidate at the ATS by hand, deletes another there and creates a third.')
  await waitFor('every event to be judged', JUDGED_MS_MAX, () => judged(world, operations))
  screen.heading('Reconciliation')
  const report = await reconcile(api)
  const { coverage } = report
  screen.say(
    `${coverage?.compared ?? 0} candidates compared on both sides, ${report.diverged} differ: ${report.result}. ` +
      `Report ${report.id}.`,
  )
  return report
}

async function reconcile(api: ReportApi): Promise<Report> {
  const { id } = await api.reconcile(PAIR)
  return waitFor('the report', REPORT_MS_MAX, async () => {
    const report = await api.report(id)
    return report.state === 'finished' ? report : undefined
  })
}

/** The books are closed, the detector has nothing left, and so many operations are known to have ended. */
async function judged({ api, detectorMetricsUrl }: World, operations: number): Promise<true | undefined> {
  const processes = await api.processes()
  const isMissing = processes.some(({ in_flight, unaccounted }) => in_flight !== 0 || unaccounted !== 0)
  if (processes.length === 0 || isMissing) return undefined
  const metrics = await (await fetch(detectorMetricsUrl)).text()
  if (!/^syncproof_detection_lag_events 0$/m.test(metrics)) return undefined
  const ended = (await api.operations()).filter(({ finished_at }) => finished_at !== null)
  return ended.length >= operations ? true : undefined
}

async function compare(
  world: World,
  requests: readonly ClientRequest[],
  report: Report,
  screen: Screen,
): Promise<Omit<Ending, 'world'>> {
  const { api, ats, database } = world
  const history = await readHistory(database)
  const { rows } = await database.query('SELECT to_jsonb(candidates) AS row FROM candidates')
  const happenings = judge({ history, requests, atsRequests: ats.proxy.log })
  const divergences = trueDivergences(
    rows.map((one) => (one as { row: Row }).row),
    await ats.records(),
  )
  const found = await readFound(api)
  const result = score(happenings, divergences, found, {
    result: report.result,
    compared: report.coverage?.compared ?? 0,
    divergences: await api.divergences(report.id),
  })
  screen.heading('What happened, and what Syncproof found')
  screen.say(
    'What happened is worked out without Syncproof: from a history trigger in the database, from what the proxy did, ' +
      'and by comparing both systems directly.',
  )
  screen.blank()
  for (const line of scoreTable(result, screen.columns)) screen.line(line)
  const example = explainLostUpdate(screen, happenings, found, history, requests)
  return { score: result, example }
}
