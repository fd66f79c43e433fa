import type { ActivityHealth, ServerHealth } from '@syncproof/store'
import { type Check, fail, orPass, pass, span, warn } from './check.ts'

const VERSION_MIN = 150_000
const SECOND_MS = 1_000
const HOUR_MS = 3_600_000
/** Log that a slot keeps: a gigabyte shows that nobody will read it soon. */
const SLOT_BYTES_MAX = 2 ** 30
const CONNECTIONS_SHARE_MAX = 0.8
/** What the reconciler allows between the collector's clock and the database's, and the half of it. */
const CLOCK_MS_MAX = 5_000
const CLOCK_MS_WARN = 2_500

/** What the server is. */
export function serverChecks(server: ServerHealth, database: string): readonly Check[] {
  const { version, version_num, user, isStandby } = server
  const name = 'database'
  return orPass(
    [
      version_num < VERSION_MIN
        ? fail(name, `PostgreSQL ${version} is too old.`, 'Upgrade to PostgreSQL 15 or later.')
        : undefined,
      isStandby
        ? fail(
            name,
            `${database} is a standby: nothing can be stored in it.`,
            'Name the primary with --database.',
          )
        : undefined,
    ],
    () => pass(name, `PostgreSQL ${version}, as ${user}, ${bytesText(server.databaseBytes)}.`),
  )
}

/** What it promises of a commit. The embedded one never flushes to the disk, and has no settings to change. */
export function durabilityChecks({ settings }: ServerHealth, isEmbedded: boolean): readonly Check[] {
  const off = (setting: string) => settings[setting] === 'off'
  if (isEmbedded)
    return [
      pass('durability', 'Embedded: what is acknowledged survives a killed process, not a loss of power.'),
    ]
  return orPass(
    [
      off('fsync')
        ? fail(
            'durability',
            'fsync is off: a crash of the machine loses what was acknowledged, or the whole database.',
            'Set fsync = on in postgresql.conf.',
          )
        : undefined,
      off('full_page_writes')
        ? warn(
            'durability',
            'full_page_writes is off: a crash of the machine may damage tables.',
            'Set full_page_writes = on, unless the file system writes whole pages.',
          )
        : undefined,
      off('synchronous_commit')
        ? warn(
            'durability',
            'synchronous_commit is off. Events are stored with it on all the same; findings and reports may be lost in a crash.',
            'Set synchronous_commit = on for this database: `alter database … set synchronous_commit = on`.',
          )
        : undefined,
      off('autovacuum')
        ? warn(
            'durability',
            'autovacuum is off: what is deleted keeps its disk, and in the end the server stops.',
            'Set autovacuum = on.',
          )
        : undefined,
    ],
    () => pass('durability', `synchronous_commit is ${settings.synchronous_commit}, fsync is on.`),
  )
}

/** What others do in the server that will be in the way. */
export function activityChecks(activity: ActivityHealth): readonly Check[] {
  const { connections, connectionsMax, oldestTransactionMs, oldestPreparedMs, idleSlots, invalidIndexes } =
    activity
  const name = 'server'
  const oldest =
    oldestTransactionMs < SECOND_MS
      ? 'no transaction has been open for a second'
      : `the oldest open transaction is ${span(oldestTransactionMs)} old`
  const slots = idleSlots.filter(({ bytes }) => bytes > SLOT_BYTES_MAX)
  return orPass(
    [
      connections > connectionsMax * CONNECTIONS_SHARE_MAX
        ? warn(
            name,
            `${connections} of ${connectionsMax} connections are taken.`,
            'Raise max_connections, or find out who holds them: `select * from pg_stat_activity`.',
          )
        : undefined,
      oldestTransactionMs > HOUR_MS
        ? warn(
            name,
            `A transaction has been open for ${span(oldestTransactionMs)}: what is deleted meanwhile keeps its disk.`,
            'End it: `select pid, state, query from pg_stat_activity order by xact_start`.',
          )
        : undefined,
      oldestPreparedMs > HOUR_MS
        ? warn(
            name,
            `A prepared transaction has been waiting for ${span(oldestPreparedMs)}: what is deleted meanwhile keeps its disk.`,
            'Commit it or roll it back: `select * from pg_prepared_xacts`.',
          )
        : undefined,
      ...slots.map((slot) =>
        fail(
          name,
          `Nobody reads the replication slot ${slot.name}, which keeps ${bytesText(slot.bytes)} of log: it fills the disk.`,
          `Let its reader run, or drop it: \`select pg_drop_replication_slot('${slot.name}')\`.`,
        ),
      ),
      ...invalidIndexes.map((index) =>
        fail(name, `The index ${index} is not valid.`, `Make it anew: \`reindex index ${index}\`.`),
      ),
    ],
    () => pass(name, `${connections} of ${connectionsMax} connections taken, ${oldest}.`),
  )
}

/** @param whose the clock of whom
 *  @param lowMs and `highMs`: what it said lies between
 *  @param beforeMs and `afterMs` of this machine, around the question */
export function clockCheck(
  whose: 'database' | 'collector',
  [lowMs, highMs]: readonly [lowMs: number, highMs: number],
  beforeMs: number,
  afterMs: number,
): Check {
  const way = afterMs - beforeMs + (highMs - lowMs)
  // it lies within; nothing is said of less
  const apart = Math.max(0, lowMs - afterMs, beforeMs - highMs)
  const name = 'clock'
  if (apart <= CLOCK_MS_WARN)
    return pass(
      name,
      `The clocks of the ${whose} and of this machine agree, as far as ${Math.ceil(way)} ms tell.`,
    )
  const what = `The ${whose}'s clock is ${span(apart)} ${lowMs > afterMs ? 'ahead of' : 'behind'} this machine's.`
  const mend = 'Set both by NTP. Run the doctor where the collector runs.'
  return apart > CLOCK_MS_MAX ? fail(name, what, mend) : warn(name, what, mend)
}

export function bytesText(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  const place = Math.min(
    units.length - 1,
    Math.max(0, Math.floor(Math.log(Math.max(1, bytes)) / Math.log(1024))),
  )
  return `${(bytes / 1024 ** place).toFixed(place === 0 ? 0 : 1)} ${units[place]}`
}
