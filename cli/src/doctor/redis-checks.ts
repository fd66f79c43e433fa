import type { RedisFacts } from '@syncproof/reconciler'
import { type Check, fail, orPass, pass, warn } from './check.ts'

const NAME = 'Redis'
/** What the queue, BullMQ, starts on, and what it is made for. */
const VERSION_MIN = [5, 0] as const
const VERSION_WANTED = [6, 2] as const

/** Whether a Redis keeps the jobs that it is given. */
export function redisChecks(facts: RedisFacts): readonly Check[] {
  const { version, maxmemoryPolicy, isAppendOnly } = facts
  return orPass(
    [
      versionCheck(version),
      policyCheck(maxmemoryPolicy),
      isAppendOnly === false
        ? warn(
            NAME,
            'appendonly is off: what waits in the queue is lost when Redis crashes. The truth is in PostgreSQL, so that costs time only.',
            'Set appendonly yes (`config set appendonly yes`, and in redis.conf), with appendfsync everysec.',
          )
        : undefined,
      facts.lastAppend === 'err'
        ? fail(
            NAME,
            'The last write to its append-only file failed: it takes no jobs until one succeeds.',
            'Look in its log why; most often the disk is full.',
          )
        : undefined,
      facts.lastSnapshot === 'err'
        ? fail(
            NAME,
            'Its last snapshot failed: it may take no jobs until one succeeds (stop-writes-on-bgsave-error).',
            'Look in its log why, mend it, and run `bgsave`. Most often the disk is full, or memory for a fork is short.',
          )
        : undefined,
      unsaidCheck(facts),
    ],
    () => pass(NAME, `Redis ${version}, ${maxmemoryPolicy}, appendonly is on, its last writes succeeded.`),
  )
}

function versionCheck(version: string | undefined): Check | undefined {
  if (version === undefined || isAtLeast(version, VERSION_WANTED)) return undefined
  const mend = `Upgrade to Redis ${VERSION_WANTED.join('.')} or later.`
  return isAtLeast(version, VERSION_MIN)
    ? warn(NAME, `Redis ${version} is older than the queue is made for.`, mend)
    : fail(NAME, `Redis ${version} is too old: no reconciler starts on it.`, mend)
}

function isAtLeast(version: string, [major, minor]: readonly [major: number, minor: number]): boolean {
  const [own = 0, ownMinor = 0] = version.split('.').map(Number)
  return own > major || (own === major && ownMinor >= minor)
}

function policyCheck(policy: string | undefined): Check | undefined {
  if (policy === undefined || policy === 'noeviction') return undefined
  return fail(
    NAME,
    `maxmemory-policy is ${policy}: when its memory is full it throws jobs away.`,
    'Set maxmemory-policy noeviction, or give the jobs a Redis of their own.',
  )
}

/** What runs as a service of others may say less of itself. */
function unsaidCheck(facts: RedisFacts): Check | undefined {
  const unsaid = [
    ...(facts.version === undefined ? ['its version'] : []),
    ...(facts.maxmemoryPolicy === undefined ? ['maxmemory-policy'] : []),
    ...(facts.isAppendOnly === undefined ? ['appendonly'] : []),
    ...(facts.lastSnapshot === undefined ? ['how its last snapshot went'] : []),
  ]
  if (unsaid.length === 0) return undefined
  return {
    ...warn(
      NAME,
      `It does not say ${unsaid.join(', ')}.`,
      'Ask whoever runs it: maxmemory-policy must be noeviction, and appendonly is to be on.',
    ),
    unable: true,
  }
}

/** It answers, and may not be asked. */
export function refusedCheck(text: string): Check {
  return {
    ...warn(
      NAME,
      `It answers, and this login may not ask how it is set (INFO): ${text}.`,
      'Allow it: `acl setuser NAME +info`. Or look yourself: maxmemory-policy must be noeviction, and appendonly is to be on.',
    ),
    unable: true,
  }
}
