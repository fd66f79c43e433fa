import { execFileSync } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync, statfsSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { type Account, accountOf, assertKept } from './account.ts'
import { openStage } from './stage.ts'
import { startTraffic } from './traffic.ts'

/** Room for what is stored between fifty times that it is full. */
const DISK = '1g'
const LEFT_BYTES = 6 * 1024 * 1024
const WAIT_MS_MAX = 60_000

/** Whether this process may mount a file system. */
export function canMount(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0
}

/** Fills the disk that the events are on, so many times, and lets room come back: every refusal is a 503 that says when to come
 *  again, nothing acknowledged is lost, and nobody has to help. */
export async function fillDisk(times: number): Promise<Account> {
  await using opened = new AsyncDisposableStack()
  const disk = mountSmallDisk(opened)
  const stage = await openStage(opened, (server) => createDatabaseOn(server, disk.folder))
  const traffic = startTraffic({ ...stage, senders: 6, operationsPerBatch: 10 })
  try {
    for (let fills = 0; fills < times; fills += 1) {
      await traffic.more(5)
      const before = traffic.refusals.get(503) ?? 0
      disk.fill()
      await until(
        () => (traffic.refusals.get(503) ?? 0) > before + 10,
        'no request noticed that the disk is full',
      )
      disk.free()
      await traffic.more(5)
    }
  } finally {
    disk.free()
    await traffic.stop()
  }
  const others = [...traffic.refusals].filter(([status]) => status !== 503)
  if (others.length > 0) throw new Error(`BROKEN: a full disk was answered by ${JSON.stringify(others)}`)
  if (traffic.impatient > 0)
    throw new Error(`BROKEN: ${traffic.impatient} answers did not say when to come again`)
  const account = await accountOf(stage.database, traffic)
  assertKept(account)
  return account
}

function mountSmallDisk(opened: AsyncDisposableStack) {
  const folder = mkdtempSync(join(tmpdir(), 'syncproof-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', folder])
  opened.defer(() => {
    execFileSync('umount', ['-l', folder])
    rmSync(folder, { recursive: true, force: true })
  })
  const ballast = join(folder, 'ballast')
  writeFileSync(ballast, '')
  return {
    folder,
    fill() {
      const { bavail, bsize } = statfsSync(folder)
      const bytes = Math.max(1, bavail * bsize - LEFT_BYTES)
      execFileSync('fallocate', ['-l', String(bytes), ballast])
    },
    free: () => truncateSync(ballast),
  }
}

/** A database in a tablespace of its own: the write-ahead log is elsewhere, as an operator would have it. */
async function createDatabaseOn(server: string, disk: string): Promise<string> {
  const client = new pg.Client(server)
  await client.connect()
  const { rows } = await client.query<{ data_directory: string }>('show data_directory')
  const { uid, gid } = statSync(String(rows[0]?.data_directory))
  chownSync(disk, uid, gid)
  const place = join(disk, 'space')
  execFileSync('install', ['-d', '-o', String(uid), '-g', String(gid), place])
  await client.query(`create tablespace small location '${place}'`)
  await client.query('create database events tablespace small')
  await client.end()
  const url = new URL(server)
  url.pathname = 'events'
  return url.href
}

async function until(isSo: () => boolean, otherwise: string): Promise<void> {
  const deadlineMs = Date.now() + WAIT_MS_MAX
  while (!isSo()) {
    if (Date.now() > deadlineMs) throw new Error(otherwise)
    await delay(10)
  }
}
