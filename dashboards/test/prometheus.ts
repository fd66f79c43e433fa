import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { startServerProcess } from '../../tools/testing/server-process.ts'
import { freePort } from '../../tools/testing/throwaway-servers.ts'

const MISSING =
  'THE PROMETHEUS TESTS WERE NOT RUN: install prometheus and prometheus-alertmanager (Debian: apt-get install prometheus prometheus-alertmanager).'

/** Whether this machine has the programs. Without them the run says loudly that these tests are missing; CI fails. */
export function hasPrometheus(): boolean {
  const isThere = ['promtool', 'prometheus', 'prometheus-alertmanager'].every(
    (program) => spawnSync(program, ['--version']).status === 0,
  )
  if (isThere) return true
  if (process.env.CI === 'true') throw new Error(MISSING)
  process.stderr.write(`\n  !!  ${MISSING}\n\n`)
  return false
}

export interface Running {
  readonly url: string
  stop(): Promise<void>
}

const files = new URL('../prometheus/', import.meta.url)

/** The Prometheus of this folder, with the rules as they are, on what is to be scraped. Every second instead of every 15. */
export async function startPrometheus(targets: readonly string[], alertmanager: string): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'syncproof-prometheus-'))
  for (const name of ['recording', 'alerts'])
    copyFileSync(new URL(`${name}.rules.yml`, files), join(folder, `${name}.rules.yml`))
  const config = parse(readFileSync(new URL('prometheus.yml', files), 'utf8'))
  config.global = { scrape_interval: '1s', evaluation_interval: '1s' }
  config.scrape_configs[0].static_configs[0].targets = targets
  config.scrape_configs[1].static_configs[0].targets = [alertmanager]
  config.alerting.alertmanagers[0].static_configs[0].targets = [alertmanager]
  writeFileSync(join(folder, 'prometheus.yml'), stringify(config))
  return start(folder, 'prometheus', (address) => [
    `--config.file=${folder}/prometheus.yml`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=${address}`,
    '--enable-feature=exemplar-storage',
  ])
}

/** The Alertmanager of this folder, which tells `webhook`, at once instead of within minutes. */
export async function startAlertmanager(webhook: string): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'syncproof-alertmanager-'))
  const config = parse(readFileSync(new URL('alertmanager.yml', files), 'utf8'))
  Object.assign(config.route, { group_wait: '1s', group_interval: '1s' })
  for (const { name, webhook_configs } of config.receivers) webhook_configs[0].url = `${webhook}/${name}`
  writeFileSync(join(folder, 'alertmanager.yml'), stringify(config))
  return start(folder, 'prometheus-alertmanager', (address) => [
    `--config.file=${folder}/alertmanager.yml`,
    `--storage.path=${folder}/data`,
    `--web.listen-address=${address}`,
    '--cluster.listen-address=',
  ])
}

async function start(
  folder: string,
  program: string,
  args: (address: string) => readonly string[],
): Promise<Running> {
  const address = `127.0.0.1:${await freePort()}`
  const url = `http://${address}`
  const server = await startServerProcess({
    ...{ name: program, program, args: args(address), options: {}, log: join(folder, 'log'), data: folder },
    ...{ stopSignal: 'SIGTERM', exitSignal: 'SIGKILL' },
    askWhere: async () => ((await fetch(`${url}/-/ready`).catch(() => undefined))?.ok ? folder : undefined),
  })
  return {
    url,
    async stop() {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
