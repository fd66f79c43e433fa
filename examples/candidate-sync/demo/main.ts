import { randomInt } from 'node:crypto'
import { type DemoOptions, DemoUsageError, readOptions, USAGE } from './options.ts'
import { DemoUnableError } from './reach.ts'
import { remarks, type Score } from './score.ts'
import { createScreen, type Screen } from './screen.ts'
import { tell } from './story.ts'
import type { World } from './world.ts'

const EXIT_FAILED = 1
const EXIT_USAGE = 2
const EXIT_UNABLE = 3
const EXIT_INTERRUPTED = 130

/** The demo was asked to stop. */
class Stopped extends Error {}

const exitCode = await main(process.argv.slice(2))
process.stdout.write('', () => process.exit(exitCode))

async function main(words: readonly string[]): Promise<number> {
  try {
    const options = readOptions(words, () => String(randomInt(1_000_000)))
    if (options !== 'help') return await run(options)
    process.stdout.write(USAGE)
    return 0
  } catch (error) {
    if (error instanceof DemoUsageError) {
      process.stderr.write(`${error.message}\n\n${USAGE}`)
      return EXIT_USAGE
    }
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return error instanceof DemoUnableError ? EXIT_UNABLE : EXIT_FAILED
  }
}

async function run(options: DemoOptions): Promise<number> {
  const screen = createScreen(process.stdout, process.env)
  const stop = new AbortController()
  listenForStop(stop)
  // `npm start | head`: nobody reads on
  process.stdout.on('error', () => stop.abort())
  // rejects when the demo is to stop, or when a part ends that should not
  const over = Promise.withResolvers<never>()
  stop.signal.addEventListener('abort', () => over.reject(new Stopped()))
  const watch = (world: World) => void world.broken.then((what) => over.reject(new Error(what)))
  await using opened = new AsyncDisposableStack()
  try {
    const story = tell(options, screen, opened, stop.signal, watch)
    const { score, world, example } = await Promise.race([story, over.promise])
    verdict(score, screen)
    if (options.once) {
      process.stdout.write(`${JSON.stringify({ findings: score.findings, report: score.report })}\n`)
    } else {
      whatNext(world, example ?? 'c-001', screen)
      await over.promise.catch(ignoreStop)
      screen.say('Stopping …')
    }
    return score.failures.length > 0 ? EXIT_FAILED : 0
  } catch (error) {
    ignoreStop(error)
    return EXIT_INTERRUPTED
  }
}

function ignoreStop(error: unknown): void {
  if (!(error instanceof Stopped)) throw error
}

/** The first signal closes everything in order; a second one ends at once, and the children end by themselves.
 *  A Ctrl-C under npm arrives twice, from the terminal and from npm: within a moment that is one. */
function listenForStop(stop: AbortController): void {
  const SAME_SIGNAL_MS = 500
  let firstMs: number | undefined
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      firstMs ??= performance.now()
      if (performance.now() - firstMs > SAME_SIGNAL_MS) process.exit(EXIT_INTERRUPTED)
      stop.abort()
    })
}

function verdict(score: Score, screen: Screen): void {
  const wrong = score.failures.length > 0
  const except = remarks(score)
  screen.heading(
    wrong ? 'Syncproof was wrong' : `Syncproof was right${except.length > 0 ? ', with exceptions' : ''}`,
  )
  for (const failure of score.failures) screen.say(failure)
  if (wrong) return
  screen.say(
    'No proven finding is false, every lost update and every partial write was found, and the report names exactly ' +
      'the candidates on which database and ATS really differ.',
  )
  if (except.length > 0) screen.say(`Beside that it was wrong: ${except.join(', ')}.`)
}

function whatNext({ api, appUrl, metricsUrl }: World, example: string, screen: Screen): void {
  screen.heading('Everything stays up until Ctrl-C. In another terminal:')
  screen.line(`export SYNCPROOF_URL=${api.url}`)
  screen.line(`export SYNCPROOF_API_KEY=${api.key}`)
  screen.line('npm run -s syncproof -- findings --kind lost-update')
  screen.line(`npm run -s syncproof -- explain candidate ${example}`)
  screen.line('npm run -s syncproof -- reconcile candidate')
  screen.line('curl -H "Authorization: Bearer $SYNCPROOF_API_KEY" \\')
  screen.line('  "$SYNCPROOF_URL/v1/findings?limit=1"')
  screen.line(`curl ${metricsUrl}`)
  screen.blank()
  screen.say(
    'Lose an update yourself: send two changes of one candidate at once, then list the findings again.',
  )
  for (const change of ['{"score":1,"updatedBy":"me/1"}', '{"notes":"hi","updatedBy":"me/2"}']) {
    screen.line(`curl -X PATCH -H 'content-type: application/json' \\`)
    // the address on a line of its own: a line that the terminal wraps cannot be pasted
    screen.line(`  -d '${change}' \\`)
    screen.line(`  ${appUrl}/candidates/c-001 &`)
  }
}
