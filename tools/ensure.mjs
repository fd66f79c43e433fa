// Makes `npm start` and `npm test` work from a fresh clone. Plain JavaScript without dependencies, because it
// runs before anything is installed, on whatever Node (>= 20) is first on PATH.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const modules = join(root, 'node_modules')
const stamp = join(modules, '.installed-lockfile')
const windows = process.platform === 'win32'
const node24 = join(modules, 'node', 'bin', windows ? 'node.exe' : 'node')

// the lockfile alone decides what is installed; package.json files change scripts, which need no install
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')

if (!isInstalled()) install()
checkNode()

function isInstalled() {
  return existsSync(node24) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted
}

function install() {
  process.stderr.write('> installing dependencies (npm ci), once after each change of package-lock.json\n')
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  // npm_execpath is the npm that runs this script: the same one installs
  const npm = process.env.npm_execpath
  const result = npm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ['ignore', 2, 'inherit'] })
    : spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 'inherit'], shell: windows })
  if (result.status !== 0)
    fail('npm ci failed; its own message is above. Mend that, then run the command again.')
  writeFileSync(stamp, wanted)
}

function checkNode() {
  linkNode()
  const version = spawnSync(node24, ['--version'], { encoding: 'utf8' }).stdout ?? ''
  if (version.startsWith('v24.')) return
  fail(
    `Node 24 should be in node_modules/node and is not (${version.trim() || 'it does not start'}).\n` +
      'Its install script may be blocked: run `npm install-scripts approve node && npm ci`, then the command again.',
  )
}

/** Other versions of the package `node` are installed too, for tests; only this one may be the `node` of scripts. */
function linkNode() {
  if (windows) return
  const bin = join(modules, '.bin', 'node')
  const target = join('..', 'node', 'bin', 'node')
  if (existsSync(bin) && readlinkSync(bin) === target) return
  rmSync(bin, { force: true })
  symlinkSync(target, bin)
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
