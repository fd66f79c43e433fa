import type { PartitionHealth, RetentionFigure, RetentionPolicy } from '@syncproof/store'
import { type Check, fail, orPass, pass, span, warn } from './check.ts'
import { bytesText } from './server-checks.ts'

const DAY_MS = 86_400_000
/** The reconciler makes them for a week ahead, each hour: fewer show that none runs. */
const DAYS_AHEAD_MIN = 3
const WORKED_MS_WARN = 3 * 3_600_000
const WORKED_MS_MAX = 2 * DAY_MS
/** What is past its time goes within a day and an hour of its margin. */
const OVERDUE_MS = 3 * DAY_MS

const RUN = 'Keep a `syncproof reconciler` running; `syncproof migrate` makes a week of them at once.'

/** Whether events of the next days have a place, and nothing is in the way of it. */
export function partitionChecks(partitions: PartitionHealth): readonly Check[] {
  const { days, today, strangers, detached } = partitions
  const todayMs = Date.parse(`${today}T00:00:00Z`)
  const has = new Set(days)
  const ahead = (n: number) => new Date(todayMs + n * DAY_MS).toISOString().slice(0, 10)
  let whole = 0
  while (has.has(ahead(whole))) whole += 1
  const name = 'partitions'
  return orPass(
    [
      whole === 0
        ? fail(
            name,
            `Events of today, ${today}, have no partition: who appends must make it, and others wait.`,
            RUN,
          )
        : whole <= DAYS_AHEAD_MIN
          ? warn(name, `Events of ${ahead(whole)} have no partition yet.`, RUN)
          : undefined,
      ...strangers.map((partition) =>
        fail(
          name,
          `${partition} is a partition that is not of a day: it gets in the way of those that are.`,
          'Detach it from its table (ALTER TABLE … DETACH PARTITION): Syncproof makes none such.',
        ),
      ),
      detached.length > 0
        ? warn(
            name,
            `${detached.join(', ')}: taken away from their table, and not dropped yet.`,
            'The reconciler drops them within the hour, where it runs.',
          )
        : undefined,
    ],
    () =>
      pass(
        name,
        `${days.length} days, ${bytesText(partitions.eventsBytes)}; made until ${ahead(whole - 1)}.`,
      ),
  )
}

/** Whether what is past its time goes. */
export function retentionChecks(
  figures: readonly RetentionFigure[],
  policy: RetentionPolicy,
  partitions: PartitionHealth,
  nowMs: number,
): readonly Check[] {
  const name = 'retention'
  const worked = figures.map(({ worked_at }) => (worked_at === null ? undefined : Date.parse(worked_at)))
  const lastMs = worked.includes(undefined) ? undefined : Math.min(...worked.map((ms) => ms ?? 0))
  const oldest = partitions.days[0]
  const overdueMs =
    oldest === undefined ? 0 : nowMs - (Date.parse(`${oldest}T00:00:00Z`) + DAY_MS) - policy.events.keepMs
  const since = lastMs === undefined ? 0 : nowMs - lastMs
  return orPass(
    [
      lastMs === undefined
        ? warn(name, 'It has never run through: nothing expires.', 'Keep a `syncproof reconciler` running.')
        : since > WORKED_MS_WARN
          ? (since > WORKED_MS_MAX ? fail : warn)(
              name,
              `It last ran ${span(since)} ago.`,
              'Keep a `syncproof reconciler` running, and look in its log for "expire".',
            )
          : undefined,
      overdueMs > OVERDUE_MS
        ? warn(
            name,
            `Events of ${oldest} are still there, though events are kept for ${span(policy.events.keepMs)}.`,
            'They wait for detection, or somebody has the table open: the log of the reconciler says which ("not expired yet").',
          )
        : undefined,
    ],
    () => pass(name, `It last ran ${span(since)} ago; events are kept for ${span(policy.events.keepMs)}.`),
  )
}

/** Whether the database keeps what the configuration says. */
export function policyCheck(configured: RetentionPolicy, kept: RetentionPolicy): Check {
  const differs = JSON.stringify(sorted(configured)) !== JSON.stringify(sorted(kept))
  return differs
    ? warn(
        'configuration',
        'The database keeps things for another time than `retention` in the configuration says.',
        'Restart the reconciler with this configuration; reconcilers on one database must say the same.',
      )
    : pass('configuration', 'The database keeps things for as long as the configuration says.')
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => [name, sorted(member)])
}
