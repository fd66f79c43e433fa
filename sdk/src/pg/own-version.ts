import type { TransactionObserver } from '../operation/evidence.ts'
import { decideOverwrittenBySelf, fullXid } from './overwritten-by-self.ts'
import type { PgClient } from './pool.ts'
import { transactionStatus } from './sql.ts'

/** Whether the version that a statement replaced was made by its own transaction; undefined where it could not be
 *  decided.
 *  @param extra what the statement itself told: `xmin` of the replaced row, `xact`, `status` */
export async function overwrittenBySelf(
  client: PgClient,
  transaction: 'none' | TransactionObserver | undefined,
  extra: Readonly<Record<string, unknown>>,
  isolation: string | undefined,
): Promise<boolean | undefined> {
  if (typeof extra.xact !== 'string' || isolation === undefined || typeof extra.xmin !== 'string')
    return undefined
  // a statement that is its own transaction found its row made by another
  if (transaction === 'none') return false
  const [xmin, current] = [BigInt(extra.xmin), BigInt(extra.xact)]
  const status = typeof extra.status === 'string' ? extra.status : null
  const decided = decideOverwrittenBySelf({ xmin, current, status, isolation })
  if (decided !== 'ask') return decided
  return transaction ? askAgain(client, fullXid(xmin, current)) : undefined
}

/** The other transaction ended after the statement's snapshot: a new statement has a new one. An id that even
 *  this one does not know to have ended is a savepoint of our own. */
async function askAgain(client: PgClient, id: bigint): Promise<boolean | undefined> {
  try {
    const { text, values } = transactionStatus(id)
    const status = (await client.query(text, values)).rows[0]?.status
    return status === null || status === 'in progress'
  } catch {
    return undefined
  }
}
