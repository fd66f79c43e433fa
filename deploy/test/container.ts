import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../tools/tree/source-files.ts'
import type { Addresses } from './addresses.ts'
import type { Box } from './box.ts'
import type { ComposeFile, ComposeService } from './compose-file.ts'
import { entrypointOf, layOutImage } from './image.ts'

/** A program, and the folder that it starts in. */
export interface Run {
  readonly program: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
}

/** One service of docker-compose.yml, with a folder of this machine for each that its container has. */
export interface Container {
  /** Its command and its environment, with the variables of the shell as they are now. */
  service(): Run
  /** Its health check. */
  health(): Run
}

/** The programs of images that are not ours, as this machine calls them, and what makes them listen where they are to. */
const OTHERS: Readonly<Record<string, (port: (address: string) => string) => readonly string[]>> = {
  prometheus: (port) => ['prometheus', `--web.listen-address=127.0.0.1:${port('prometheus:9090')}`],
  alertmanager: (port) => [
    'prometheus-alertmanager',
    `--web.listen-address=127.0.0.1:${port('alertmanager:9093')}`,
  ],
}

/** @param home where its folders are made: /app, what is mounted, what it may write
 *  @param secrets the folder of the secrets */
export function makeContainer(
  file: ComposeFile,
  name: string,
  { home, secrets, addresses, box }: { home: string; secrets: string; addresses: Addresses; box: Box },
): Container {
  const service = file.services[name] as ComposeService
  const { build, tmpfs = [], volumes = [] } = service
  if (build) layOutImage(build.target, join(home, 'app'))

  const writable = tmpfs.map((line) => line.split(':')[0] ?? '')
  const folders = new Map([['/run/secrets', secrets]])
  if (build) folders.set('/app', join(home, 'app'))
  for (const volume of volumes) {
    const [from = '', to = ''] = volume.split(':')
    folders.set(to, join(home, to))
    if (from.startsWith('./')) mount(join(root, from), join(home, to), addresses)
    else writable.push(to)
  }
  for (const path of writable) {
    folders.set(path, join(home, path))
    box.makeWritable(join(home, path))
  }
  const here = (text: string) => addresses.translate(inFolders(text.replaceAll('$$', '$'), folders))

  const env = () => ({
    ...withoutSettings(),
    ...settingsOf(name, service, here, addresses),
    // in a container the folder for temporary files is /tmp
    ...(writable.includes('/tmp') ? { TMPDIR: join(home, 'tmp') } : {}),
  })
  const cwd = build ? join(home, 'app') : home
  const words = [...(build ? entrypointOf(build.target) : []), ...(service.command ?? [])].map(here)
  const [program = '', ...args] = ofThisMachine(name, words, addresses)
  const boxed = box.wrap(
    program,
    args,
    writable.map((path) => join(home, path)),
  )
  return {
    service: () => ({ ...boxed, env: { ...env(), ...boxed.env }, cwd }),
    health: () => ({ ...healthOf(service, here, addresses), env: env(), cwd }),
  }
}

function ofThisMachine(name: string, words: readonly string[], { portOf }: Addresses): readonly string[] {
  if (words[0] === 'node') return [process.execPath, ...words.slice(1)]
  if (name === 'redis')
    return words.map((word) =>
      word.replace(/redis-server \S+/, `$& --bind 127.0.0.1 --port ${portOf('redis:6379')}`),
    )
  const [program, ...more] = OTHERS[name]?.(portOf) ?? []
  return program === undefined ? words : [program, ...words, ...more]
}

function healthOf(
  service: ComposeService,
  here: (text: string) => string,
  { portOf }: Addresses,
): Pick<Run, 'program' | 'args'> {
  const [how, ...words] = (service.healthcheck?.test ?? []).map((word) =>
    here(word).replace('redis-cli ', `redis-cli -p ${portOf('redis:6379')} `),
  )
  const [program = '', ...args] = how === 'CMD' ? words : ['sh', '-c', ...words]
  if (program === 'pg_isready') args.push('--port', portOf('postgres:5432'))
  return { program: program === 'node' ? process.execPath : program, args }
}

/** Its environment. What it would listen on for others is the loopback, on the ports of this machine. */
function settingsOf(
  name: string,
  { environment = {} }: ComposeService,
  here: (text: string) => string,
  { portOf }: Addresses,
): Record<string, string> {
  const settings = Object.entries(environment).map(([variable, value]) => {
    const port = /PORT$/.test(variable) ? portOf(`${name}:${value}`) : ''
    const text = value
      .replace(/\$\{(\w+):-\}/g, (_, from) => process.env[from] ?? '')
      .replace('0.0.0.0', '127.0.0.1')
    return [variable, port || here(text)]
  })
  const api = name === 'collector' ? { SYNCPROOF_PORT: portOf('collector:4319') } : {}
  return { ...Object.fromEntries(settings), ...api }
}

/** Paths of a container as those of this machine, the longest first, each once. */
function inFolders(text: string, folders: ReadonlyMap<string, string>): string {
  const paths = [...folders.keys()].sort((a, b) => b.length - a.length).join('|')
  return text.replace(
    new RegExp(`(?<![\\w/.])(${paths})(?![\\w-])`, 'g'),
    (path) => folders.get(path) ?? path,
  )
}

/** What is mounted, with the addresses of this machine. */
function mount(from: string, to: string, addresses: Addresses): void {
  cpSync(from, to, { recursive: true })
  const files = statSync(to).isDirectory()
    ? readdirSync(to, { recursive: true, encoding: 'utf8' }).map((path) => join(to, path))
    : [to]
  for (const path of files.filter((one) => statSync(one).isFile()))
    writeFileSync(path, addresses.translate(readFileSync(path, 'utf8')))
}

/** Without settings of the machine that runs the tests. */
function withoutSettings(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(SYNCPROOF_|DATABASE_URL|ATS_|SENTRY_)/.test(name)),
  )
}
