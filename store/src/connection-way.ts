import { Client } from 'pg'

/** How the way to a server is secured. Who connects never falls back: it is so, or it fails. */
export interface ConnectionWay {
  /** Name, address, or the folder of a Unix socket. */
  readonly host: string
  readonly isEncrypted: boolean
  /** Whether it is checked who answers; of no meaning where it is not encrypted. */
  readonly isVerified: boolean
}

/** The way that the store takes to a database, by its URL, and PGHOST and PGSSLMODE where that says nothing. The driver itself is
 *  asked: what `sslmode` means depends on other parameters, and on its release. Connects to nobody. */
export function connectionWay(url: string): ConnectionWay {
  const { host, ssl } = new Client({ connectionString: url }) as unknown as {
    readonly host: string
    readonly ssl: boolean | { readonly rejectUnauthorized?: boolean }
  }
  const isBlind = typeof ssl === 'object' && ssl.rejectUnauthorized === false
  return {
    host,
    isEncrypted: ssl !== false,
    isVerified: !isBlind && process.env.NODE_TLS_REJECT_UNAUTHORIZED !== '0',
  }
}
