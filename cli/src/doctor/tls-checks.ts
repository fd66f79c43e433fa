import type { ConnectionWay, ServerHealth } from '@syncproof/store'
import { type Check, fail, orPass, pass, span, warn } from './check.ts'

const NAME = 'TLS'
const DAY_MS = 86_400_000
/** Who renews by hand needs some weeks; what renews itself has done so by then. */
const CERTIFICATE_MS_WARN = 21 * DAY_MS

type Environment = Readonly<Record<string, string | undefined>>

/** A host that is this machine: what goes there passes no network. */
export function isLocal(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
  if (bare === '' || bare.startsWith('/') || bare === 'localhost' || bare.endsWith('.localhost')) return true
  return bare === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(bare)
}

/** The way to a Redis: its client checks certificates unless Node does not. */
export function redisWay(url: string, env: Environment): ConnectionWay {
  const { hostname, protocol } = new URL(url)
  return {
    host: hostname,
    isEncrypted: protocol === 'rediss:',
    isVerified: env.NODE_TLS_REJECT_UNAUTHORIZED !== '0',
  }
}

/** @param connection what the server says of the last hop: behind a pooler it is another one */
export function databaseTlsChecks(
  way: ConnectionWay,
  connection: ServerHealth['connection'],
): readonly Check[] {
  const { tls, from } = connection
  const isPooled = way.isEncrypted && tls === null && from !== null && !isLocal(from)
  return orPass(
    [
      unsafeCheck('The database', way, DATABASE_MENDS),
      isPooled
        ? warn(
            NAME,
            `The database: encrypted as far as a pooler, and not from there (${from}) to PostgreSQL.`,
            'Let the pooler ask for TLS, too: `server_tls_sslmode = verify-full` in PgBouncer.',
          )
        : undefined,
    ],
    () => safe('The database', way, tls),
  )
}

export function redisTlsChecks(way: ConnectionWay): readonly Check[] {
  return orPass([unsafeCheck('Redis', way, REDIS_MENDS)], () => safe('Redis', way, null))
}

function safe(what: string, { isEncrypted, isVerified }: ConnectionWay, protocol: string | null): Check {
  const encrypted = isEncrypted ? `encrypted${protocol === null ? '' : ` (${protocol})`}` : 'not encrypted'
  return isEncrypted && isVerified
    ? pass(NAME, `${what}: ${encrypted}, and its certificate is checked.`)
    : pass(NAME, `${what}: ${encrypted}, and on this machine.`)
}

interface Mends {
  readonly encrypt: string
  readonly verify: string
}

const OWN_AUTHORITY =
  'An authority of your own is named by NODE_EXTRA_CA_CERTS, and NODE_TLS_REJECT_UNAUTHORIZED=0 must go.'
const DATABASE_MENDS: Mends = {
  encrypt: 'Put `sslmode=verify-full` in the URL of the database.',
  verify: `Put \`sslmode=verify-full\` in the URL of the database. ${OWN_AUTHORITY}`,
}
const REDIS_MENDS: Mends = {
  encrypt: 'Let it listen with TLS, and name it by rediss://.',
  verify: OWN_AUTHORITY,
}

function unsafeCheck(
  what: string,
  { host, isEncrypted, isVerified }: ConnectionWay,
  { encrypt, verify }: Mends,
): Check | undefined {
  if (isLocal(host)) return undefined
  if (!isEncrypted)
    return warn(
      NAME,
      `${what}: what goes to ${host} and back is not encrypted: who is on the way reads it.`,
      encrypt,
    )
  if (isVerified) return undefined
  return warn(
    NAME,
    `${what}: encrypted, and nobody checks that it is ${host}: who is on the way can take its place.`,
    verify,
  )
}

/** What a server showed when a connection was made to it. */
export interface Shown {
  /** Why it is not trusted, as Node calls it; undefined where it is. */
  readonly distrust?: string | undefined
  /** When its certificate ends, milliseconds since 1970. */
  readonly endsMs: number
  readonly protocol: string
}

/** Whether a certificate is trusted, and for how long it will be.
 *  @param what that shows it, as the beginning of a sentence */
export function certificateChecks(name: string, what: string, shown: Shown, nowMs: number): readonly Check[] {
  const { distrust, endsMs, protocol } = shown
  const leftMs = endsMs - nowMs
  const day = new Date(endsMs).toISOString().slice(0, 10)
  const renew = 'Renew it, and see why what renews it did not.'
  return orPass(
    [
      leftMs <= 0
        ? fail(name, `${what}: its certificate is over since ${day}: nobody who checks it connects.`, renew)
        : distrust !== undefined
          ? fail(name, `${what}: its certificate is not trusted: ${distrust}.`, mendOf(distrust))
          : undefined,
      leftMs > 0 && leftMs < CERTIFICATE_MS_WARN
        ? warn(name, `${what}: its certificate ends in ${span(leftMs)}, on ${day}.`, renew)
        : undefined,
    ],
    () => pass(name, `${what}: ${protocol}, and its certificate is good until ${day}.`),
  )
}

function mendOf(distrust: string): string {
  if (distrust === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'Name it by a name that is in its certificate, or have one made for this name.'
  if (distrust === 'CERT_NOT_YET_VALID') return 'Set the clock of this machine, or wait until it begins.'
  if (AUTHORITY.test(distrust))
    return 'Where an authority of your own made it, name that: NODE_EXTRA_CA_CERTS=/path/to/ca.pem, for the doctor and for all that talk to it. Else have it made by one that everybody knows, and let the server send the whole chain.'
  return 'Have another one made.'
}

/** No way leads from it to an authority that Node knows. */
const AUTHORITY =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(_LOCALLY)?)|CERT_UNTRUSTED)$/

/** Of the address of a collector that is asked without TLS. */
export function plainCheck(url: string): Check {
  const { hostname, host } = new URL(url)
  if (isLocal(hostname)) return pass(NAME, 'The collector: not encrypted, and on this machine.')
  return warn(
    NAME,
    `The collector: http://${host} is not encrypted: who is on the way reads keys and events.`,
    'Put a proxy that speaks TLS before it, and name it by https:// in SYNCPROOF_URL, here and in the apps.',
  )
}
