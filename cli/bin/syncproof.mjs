#!/usr/bin/env node
// Plain JavaScript for Node 18 and up. The CLI itself is TypeScript that Node 24 runs as it is; where an older
// Node is first on PATH, this runs the same command line with the Node 24 that npm installed with the package.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE_MAJOR_MIN = 24
const EXIT_UNABLE = 3
const main = new URL('../src/main.ts', import.meta.url)

if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR_MIN) {
  await import(main.href)
} else {
  const node = installedNode()
  if (node === undefined) {
    process.stderr.write(
      `syncproof needs Node ${NODE_MAJOR_MIN} and this is ${process.version}. ` +
        'The right one comes with the dependencies: run `npm ci` here, then the same command again.\n',
    )
    process.exitCode = EXIT_UNABLE
  } else {
    runWith(node)
  }
}

function installedNode() {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('node/package.json'))
    const binary = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    return existsSync(binary) ? binary : undefined
  } catch {
    return undefined
  }
}

function runWith(node) {
  const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' })
  // A Ctrl-C of a terminal reaches both processes, so the child may get it twice: it takes two signals within
  // a moment as one.
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    process.stderr.write(`syncproof could not start ${node}: ${error.message}\n`)
    process.exitCode = EXIT_UNABLE
  })
  child.on('exit', (code, signal) => {
    // 128 + n is what a shell reports for a process that a signal ended.
    process.exitCode = signal === null ? code : 128 + (constants.signals[signal] ?? 0)
    for (const name of signals) process.removeAllListeners(name)
  })
}
