import type { Config } from '@syncproof/connectors'
import { checkRedis } from '@syncproof/reconciler'
import { type CommandContext, EXIT, type ExitCode } from '../command.ts'
import { loadConfigFile } from '../config-file.ts'
import { askCollector } from '../doctor/ask/ask-collector.ts'
import { knock } from '../doctor/ask/knock.ts'
import { type Check, fail, isSkipped, type Look, type Skipped, unable } from '../doctor/check.ts'
import { apiKeyCheck, readyChecks } from '../doctor/collector-checks.ts'
import { lookAtDatabase } from '../doctor/look-at-database.ts'
import { redisChecks, refusedCheck } from '../doctor/redis-checks.ts'
import { addressOf, noSinks, sinkChecks } from '../doctor/sink-checks.ts'
import { certificateChecks, plainCheck, redisTlsChecks, redisWay } from '../doctor/tls-checks.ts'
import { checkLines, skippedLines } from '../output/check-view.ts'
import { json } from '../output/terminal.ts'
import { flagSetting, REDIS_SCHEMES, textSetting, urlSetting, withoutPassword } from '../settings.ts'

/** Looks at everything that has to be right, and says of what is not how to mend it. Writes nothing but a test event, which it
 *  takes out again. */
export async function run(context: CommandContext): Promise<ExitCode> {
  const redis = urlSetting(context, 'redis', REDIS_SCHEMES)
  const url = urlSetting(context, 'url', ['http:', 'https:'])?.replace(/\/+$/, '')
  const config = await loadConfigFile(textSetting(context, 'config'), context.folder)
  const collector = url === undefined ? undefined : await lookAtCollector(context, url)
  const looks: readonly Look[] = [
    ...(await lookAtDatabase(context, config, url && { url, isThere: collector?.isThere === true })),
    ...(redis === undefined ? [] : await lookAtRedis(context, redis)),
    ...(collector?.looks ?? [{ name: 'collector', why: '--url is not given' }]),
    ...(await lookAtSinks(config)),
  ]
  const checks = looks.filter((look): look is Check => !isSkipped(look))
  show(context, checks, looks.filter(isSkipped))
  if (checks.some((check) => check.unable)) return EXIT.unable
  return checks.every(({ state }) => state === 'pass') ? EXIT.clean : EXIT.found
}

function show(context: CommandContext, checks: readonly Check[], skipped: readonly Skipped[]): void {
  const { terminal } = context
  if (flagSetting(context, 'json')) {
    const told = checks.map(({ unable: _, ...check }) => check)
    terminal.data(json({ version: 1, checks: told, not_looked_at: skipped }))
    return
  }
  for (const check of checks) terminal.data(checkLines(check, terminal.paint, terminal.columns).join('\n'))
  if (skipped.length > 0) terminal.say(skippedLines(skipped, terminal.talkColumns).join('\n'))
}

async function lookAtCollector(
  context: CommandContext,
  url: string,
): Promise<{ readonly looks: readonly Look[]; readonly isThere: boolean }> {
  const shown = withoutPassword(url)
  const tls = await lookAtCertificate(url)
  if (tls.some(({ name, state }) => name === 'TLS' && state === 'fail'))
    return { looks: [...tls, { name: 'collector', why: 'its certificate is not good' }], isThere: false }
  if (tls.some((check) => check.unable)) return { looks: tls, isThere: false }
  const ready = await askCollector(url, '/readyz')
  const looks = [...tls, ...readyChecks(shown, ready)]
  if (typeof ready === 'string') return { looks, isThere: false }
  const key = context.env.SYNCPROOF_API_KEY
  if (!key)
    return {
      looks: [...looks, { name: 'API key', why: 'SYNCPROOF_API_KEY is not set' }],
      isThere: ready.status === 200,
    }
  const headers = { authorization: `Bearer ${key}` }
  looks.push(apiKeyCheck(await askCollector(url, '/v1/pairs', { headers })))
  return { looks, isThere: ready.status === 200 }
}

async function lookAtCertificate(url: string): Promise<readonly Check[]> {
  if (!url.startsWith('https:')) return [plainCheck(url)]
  const came = await knock(new URL(url))
  if (came.came === 'certificate') return certificateChecks('TLS', 'The collector', came.shown, Date.now())
  return readyChecks(withoutPassword(url), came.came === 'nothing' ? came.reason : 'no certificate')
}

async function lookAtRedis(context: CommandContext, url: string): Promise<readonly Check[]> {
  try {
    const facts = await checkRedis(url)
    const own = 'refused' in facts ? [refusedCheck(facts.refused)] : redisChecks(facts)
    return [...own, ...redisTlsChecks(redisWay(url, context.env))]
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    const mend =
      'Start it, name another with --redis, or leave --redis out: the jobs then go through the database.'
    return [unable(fail('Redis', `${withoutPassword(url)}: ${text}.`, mend))]
  }
}

async function lookAtSinks(config: Config | undefined): Promise<readonly Look[]> {
  if (config === undefined) return [{ name: 'alerts', why: 'there is no configuration' }]
  const { alerts = [] } = config
  if (alerts.length === 0) return [noSinks()]
  const looks = alerts.map(async (sink) => {
    const address = addressOf(sink)
    return sinkChecks(sink, address && (await knock(address)), Date.now())
  })
  return (await Promise.all(looks)).flat()
}
