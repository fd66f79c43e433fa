import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { atExit } from '../../tools/testing/at-exit.ts'
import { makeHome, startPostgres } from '../../tools/testing/throwaway-servers.ts'
import { root } from '../../tools/tree/source-files.ts'
import { type Addresses, openAddresses } from './addresses.ts'
import { openBox } from './box.ts'
import { type ComposeService, readCompose } from './compose-file.ts'
import { type Container, makeContainer, type Run } from './container.ts'

const END_MS_MAX = 15_000

/** The services of docker-compose.yml as plain processes: the commands, the environment and the health checks that are in the
 *  file, with a port of this machine for each address within Compose, and a folder for what a container has. */
export interface Stack {
  readonly addresses: Addresses
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
  /** The most memory that it has had, in bytes; undefined where this machine does not say. */
  memoryBytes(name: string): number | undefined
  close(): Promise<void>
}

export async function openStack(): Promise<Stack> {
  const file = readCompose()
  const home = makeHome('compose')
  // the services are not the user who runs this
  chmodSync(home.folder, 0o755)
  const postgres = await startPostgres(true, {
    ...settingsOf(file.services.postgres),
    fsync: 'on',
    full_page_writes: 'on',
    wal_level: 'replica',
  })
  const addresses = await openAddresses({ 'postgres:5432': new URL(postgres.url).port })
  const secrets = makeSecrets(home.folder, addresses)
  initPostgres(postgres.url, secrets)

  const box = openBox()
  const made = new Map<string, Container>()
  const containerOf = (name: string) => {
    const container =
      made.get(name) ?? makeContainer(file, name, { home: join(home.folder, name), secrets, addresses, box })
    made.set(name, container)
    return container
  }
  const running = new Map<string, Running>()
  return {
    addresses,
    secret: (name) => readFileSync(join(secrets, name), 'utf8'),
    run(name) {
      const { program, args, ...options } = containerOf(name).service()
      const { status, stderr } = spawnSync(program, args, { ...options, encoding: 'utf8' })
      if (status !== 0) throw new Error(`${name} ends with ${status}: ${stderr}`)
    },
    start(name) {
      running.set(name, start(containerOf(name).service()))
    },
    async stop(name) {
      if (name === 'postgres') await postgres.shutDown()
      await running.get(name)?.stop()
    },
    said: (name) => running.get(name)?.said() ?? '',
    memoryBytes(name) {
      const status = `/proc/${running.get(name)?.pid}/status`
      if (!existsSync(status)) return undefined
      const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8')) ?? []
      return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
    },
    health(name) {
      const { program, args, ...options } = containerOf(name).health()
      return spawnSync(program, args, options).status
    },
    async close() {
      for (const one of [...running.values()].reverse()) await one.stop()
      await postgres.stop()
      home.remove()
    },
  }
}

/** What `deploy/make-secrets.sh` makes, as Compose mounts it: readable for the user of the container. */
function makeSecrets(folder: string, addresses: Addresses): string {
  const script = join(folder, 'make', 'make-secrets.sh')
  mkdirSync(join(folder, 'make'))
  cpSync(join(root, 'deploy/make-secrets.sh'), script)
  const { status, stderr } = spawnSync('sh', [script], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`deploy/make-secrets.sh: ${stderr}`)
  const secrets = join(folder, 'secrets')
  mkdirSync(secrets)
  for (const name of readdirSync(join(folder, 'make/secrets'))) {
    const secret = readFileSync(join(folder, 'make/secrets', name), 'utf8')
    writeFileSync(join(secrets, name), addresses.translate(secret), { mode: 0o444 })
  }
  rmSync(join(folder, 'make'), { recursive: true })
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
function initPostgres(server: string, secrets: string): void {
  const { hostname, port } = new URL(server)
  const own = { PGHOST: hostname, PGPORT: port, POSTGRES_USER: 'postgres', POSTGRES_DB: 'syncproof' }
  const env = { ...process.env, ...own }
  const script = readFileSync(join(root, 'deploy/postgres/logins.sh'), 'utf8')
  for (const [program, ...args] of [
    ['psql', '-U', 'postgres', '-qc', 'create database syncproof'],
    ['sh', '-c', script.replaceAll('/run/secrets', secrets)],
  ]) {
    const { status, stderr } = spawnSync(program ?? '', args, { env, encoding: 'utf8' })
    if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`)
  }
}

interface Running {
  readonly pid: number | undefined
  said(): string
  stop(): Promise<void>
}

function start({ program, args, ...options }: Run): Running {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  const forget = atExit(() => child.kill('SIGKILL'))
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  return {
    pid: child.pid,
    said: () => said,
    async stop() {
      await end(child)
      forget()
    },
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), END_MS_MAX)
  await ended
  clearTimeout(late)
}
