import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, startPostgres } from '../../tools/testing/throwaway-servers.ts'
import { type ComposeService, ROOT, readCompose } from './compose-file.ts'

const root = fileURLToPath(ROOT)

/** The services of docker-compose.yml as plain processes: the commands, the environment and the health checks that are in the
 *  file, with a port of this machine for each address within Compose, and a folder for what is mounted. */
export interface Stack {
  readonly ports: Readonly<Record<string, number>>
  secret(name: string): string
  /** Runs a service to its end. @throws with what it said where that is not 0 */
  run(name: string): void
  /** Starts one; it is ended with the stack, or before. */
  start(name: string): void
  stop(name: string): Promise<void>
  /** The exit code of the health check of a service. */
  health(name: string): number | null
  /** What it has said. */
  said(name: string): string
  close(): Promise<void>
}

/** What listens within Compose, by name and port. */
const ADDRESSES = [
  'postgres:5432',
  'redis:6379',
  'collector:4319',
  'collector:4320',
  'reconciler:4321',
  'prometheus:9090',
  'alertmanager:9093',
  'example:3000',
  'example:3001',
] as const

export async function openStack(): Promise<Stack> {
  const { services } = readCompose()
  const folder = mkdtempSync(join(tmpdir(), 'syncproof-compose-'))
  const ports = Object.fromEntries(
    await Promise.all(ADDRESSES.map(async (address) => [address, await freePort()] as const)),
  )
  const secrets = makeSecrets(folder)
  const postgres = await startPostgres(true, {
    ...settingsOf(services.postgres),
    fsync: 'on',
    wal_level: 'replica',
  })
  ports['postgres:5432'] = Number(new URL(postgres.url).port)
  const here = (text: string) => translate(text, { folder, ports, secrets })
  for (const name of readdirSync(secrets))
    writeFileSync(join(secrets, name), here(readFileSync(join(secrets, name), 'utf8')))
  initPostgres(postgres.url, secrets, here)

  const running = new Map<string, { readonly child: ChildProcess; said: string }>()
  const command = (name: string) => commandOf(name, services[name] as ComposeService, here, folder)
  return {
    ports,
    secret: (name) => readFileSync(join(secrets, name), 'utf8'),
    run(name) {
      const { program, args, env } = command(name)
      const { status, stderr } = spawnSync(program, args, { env, cwd: root, encoding: 'utf8' })
      if (status !== 0) throw new Error(`${name} ends with ${status}: ${stderr}`)
    },
    start(name) {
      const { program, args, env } = command(name)
      const child = spawn(program, args, {
        env,
        cwd: root,
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      })
      const one = { child, said: '' }
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => {
          one.said += text
        })
      running.set(name, one)
    },
    async stop(name) {
      const one = running.get(name)
      if (one) await end(one.child)
    },
    said: (name) => running.get(name)?.said ?? '',
    health(name) {
      const [how, ...words] = (services[name]?.healthcheck?.test ?? []).map(here)
      const env = { ...process.env, PGPORT: String(ports['postgres:5432']) }
      const check = how === 'CMD' ? words : ['sh', '-c', ...words]
      return spawnSync(check[0] ?? '', check.slice(1), { env, cwd: root }).status
    },
    async close() {
      for (const { child } of [...running.values()].reverse()) await end(child)
      await postgres.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function makeSecrets(folder: string): string {
  const script = join(folder, 'make-secrets.sh')
  writeFileSync(script, readFileSync(new URL('deploy/make-secrets.sh', ROOT)))
  const { status, stderr } = spawnSync('sh', [script], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`deploy/make-secrets.sh: ${stderr}`)
  const secrets = join(folder, 'secrets')
  // they are read-only, and the addresses in them are translated
  spawnSync('chmod', ['-R', 'u+w', secrets])
  return secrets
}

/** `-c name=value` of its command. */
function settingsOf(service: ComposeService | undefined): Record<string, string> {
  return Object.fromEntries(
    (service?.command ?? [])
      .filter((word) => word.includes('='))
      .map((word) => word.split('=') as [string, string]),
  )
}

/** What the image of PostgreSQL does with the folder of scripts, when its volume is made. */
function initPostgres(server: string, secrets: string, here: (text: string) => string): void {
  const { hostname, port } = new URL(server)
  const env = {
    ...process.env,
    PGHOST: hostname,
    PGPORT: port,
    POSTGRES_USER: 'postgres',
    POSTGRES_DB: 'syncproof',
  }
  const script = join(secrets, '..', 'logins.sh')
  writeFileSync(script, here(readFileSync(new URL('deploy/postgres/logins.sh', ROOT), 'utf8')))
  for (const [program, ...args] of [
    ['psql', '-U', 'postgres', '-qc', 'create database syncproof'],
    ['sh', script],
  ]) {
    const { status, stderr } = spawnSync(program ?? '', args, { env, encoding: 'utf8' })
    if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`)
  }
}

/** Names and folders of Compose in a text as those of this machine. */
function translate(
  text: string,
  { folder, ports, secrets }: { folder: string; ports: Readonly<Record<string, number>>; secrets: string },
): string {
  let here = text.replaceAll('/run/secrets', secrets).replaceAll('$$', '$')
  for (const [address, port] of Object.entries(ports)) {
    const [host = '', own = ''] = address.split(':')
    here = here
      .replace(new RegExp(`\\b${host}:${own}\\b`, 'g'), `127.0.0.1:${port}`)
      .replace(new RegExp(`127\\.0\\.0\\.1:${own}\\b`, 'g'), `127.0.0.1:${port}`)
  }
  return here
    .replace(/--dir \/data/, `--dir ${folder} --bind 127.0.0.1 --port ${ports['redis:6379']}`)
    .replaceAll('/tmp/redis.conf', join(folder, 'redis.conf'))
    .replace(/redis-cli ping/, `redis-cli -p ${ports['redis:6379']} ping`)
    .replace(/\/etc\/(prometheus|alertmanager)\/\w+\.yml/, (path) => join(folder, path))
    .replace(/=\/(prometheus|alertmanager)$/, `=${join(folder, '$1-data')}`)
    .replace(/^\/app\//, root)
}

function commandOf(
  name: string,
  service: ComposeService,
  here: (text: string) => string,
  folder: string,
): { readonly program: string; readonly args: readonly string[]; readonly env: NodeJS.ProcessEnv } {
  const words = (service.command ?? []).map(here)
  const port = (address: string) => here(address).split(':')[1] ?? ''
  const settings = Object.entries(service.environment ?? {}).map(([variable, value]) => [
    variable,
    here(value.replace(/\$\{(\w+):-\}/g, (_, from) => process.env[from] ?? '')),
  ])
  const env = { ...withoutSettings(), ...Object.fromEntries(settings) }
  switch (name) {
    case 'prometheus':
      for (const rules of ['recording', 'alerts'])
        mount(
          folder,
          `dashboards/prometheus/${rules}.rules.yml`,
          `/etc/prometheus/rules/${rules}.rules.yml`,
          here,
        )
      mount(folder, 'deploy/prometheus.yml', '/etc/prometheus/prometheus.yml', here)
      return {
        program: 'prometheus',
        args: [...words, `--web.listen-address=${here('prometheus:9090')}`],
        env,
      }
    case 'alertmanager':
      mount(folder, 'deploy/alertmanager.yml', '/etc/alertmanager/alertmanager.yml', here)
      return {
        program: 'prometheus-alertmanager',
        args: [...words, `--web.listen-address=${here('alertmanager:9093')}`],
        env,
      }
    case 'redis':
      return { program: words[0] ?? '', args: words.slice(1), env }
    case 'example':
      return {
        program: process.execPath,
        args: ['examples/candidate-sync/demo/live.ts'],
        env: { ...env, PORT: port('example:3000'), ATS_PORT: port('example:3001'), HOST: '127.0.0.1' },
      }
    default: {
      const own = name === 'collector' ? port('collector:4320') : port('reconciler:4321')
      const ports = { SYNCPROOF_PORT: port('collector:4319'), SYNCPROOF_METRICS_PORT: own }
      const hosts = { SYNCPROOF_HOST: '127.0.0.1', SYNCPROOF_METRICS_HOST: '127.0.0.1' }
      return {
        program: process.execPath,
        args: ['cli/src/main.ts', ...words],
        env: { ...env, ...ports, ...hosts },
      }
    }
  }
}

function mount(folder: string, from: string, to: string, here: (text: string) => string): void {
  const target = join(folder, to)
  mkdirSync(join(target, '..'), { recursive: true })
  const text = readFileSync(new URL(from, ROOT), 'utf8')
  writeFileSync(target, to.includes('/rules/') ? text : here(text))
}

/** Without settings of the machine that runs the tests. */
function withoutSettings(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(SYNCPROOF_|DATABASE_URL|ATS_)/.test(name)),
  )
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 15_000)
  await ended
  clearTimeout(late)
}
