import { spawnSync } from 'node:child_process'
import { chownSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { root } from '../../tools/tree/source-files.ts'

const MISSING =
  'WHAT COMPOSE TAKES FROM ITS SERVICES WAS NOT TAKEN: it needs root on Linux, unshare and setpriv. They run as this user, and may write everywhere.'

/** What docker does to a program of `read_only`, `cap_drop: [ALL]`, `no-new-privileges` and a `user` who is not root: */
const SCRIPT = `
set -eu
mount --make-rprivate /
for folder in $BOX_WRITABLE; do mount --bind "$folder" "$folder"; done
# every mount that keeps files, except those: a service that writes elsewhere fails
for point in $BOX_MOUNTS; do mount -o remount,bind,ro "$point"; done
unset BOX_WRITABLE BOX_MOUNTS
exec setpriv --reuid "$BOX_USER" --regid "$BOX_GROUP" --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs -- "$@"
`

interface Wrapped {
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export interface Box {
  /** Whether this machine lets us take anything; else programs run as they are. */
  readonly isReal: boolean
  /** Makes a folder that a boxed program may write. */
  makeWritable(folder: string): void
  /** How a program is run that may write these folders and nothing else. */
  wrap(program: string, args: readonly string[], writable: readonly string[]): Wrapped
}

/** Takes from a program what docker-compose.yml takes from its services. Where this machine does not let us, it says so
 *  loudly. */
export function openBox(): Box {
  const { user, group } = someoneElse()
  const wrap = (program: string, args: readonly string[], writable: readonly string[]): Wrapped => ({
    program: 'unshare',
    args: ['--mount', 'sh', '-c', SCRIPT, 'box', program, ...args],
    env: {
      BOX_WRITABLE: writable.join(' '),
      BOX_MOUNTS: mountPoints().join(' '),
      BOX_USER: String(user),
      BOX_GROUP: String(group),
    },
  })
  const probe = wrap('true', [], [])
  const isReal =
    process.getuid?.() === 0 &&
    spawnSync(probe.program, probe.args, { env: { ...process.env, ...probe.env } }).status === 0
  if (!isReal) process.stderr.write(`\n  !!  ${MISSING}\n\n`)
  return {
    isReal,
    makeWritable(folder) {
      mkdirSync(folder, { recursive: true })
      if (isReal) chownSync(folder, user, group)
    },
    wrap: isReal ? wrap : (program, args) => ({ program, args, env: {} }),
  }
}

/** Nobody, where nobody can read this checkout; else root, who without capabilities is nobody of importance either. */
function someoneElse(): { readonly user: number; readonly group: number } {
  const [user, group] = ['-u', '-g'].map((flag) =>
    Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout),
  )
  const as = ['--reuid', String(user), '--regid', String(group), '--clear-groups', '--']
  const read = [
    '-e',
    'require("node:fs").readFileSync(process.argv[1])',
    `${root}/node_modules/pg/package.json`,
  ]
  const canRead = user && group && spawnSync('setpriv', [...as, process.execPath, ...read]).status === 0
  return canRead ? { user, group } : { user: 0, group: 0 }
}

/** The mounts that hold what we have: one that is not among them nobody is told of. */
function mountPoints(): readonly string[] {
  const holding = [tmpdir(), root].map((path) =>
    spawnSync('findmnt', ['--noheadings', '--output', 'TARGET', '--target', path], {
      encoding: 'utf8',
    }).stdout.trim(),
  )
  return [...new Set(['/', ...holding])]
}
