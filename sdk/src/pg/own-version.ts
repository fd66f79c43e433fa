import type { RowState, TransactionObserver } from '../operation/evidence.ts'
import { decideOverwrittenBySelf, fullXid } from './overwritten-by-self.ts'
import type { PgClient } from './pool.ts'
import { transactionStatus } from './sql.ts'

/** Whether the version that a statement replaced was made by its own transaction; undefined where it could not be
 *  decided, or there was none.
 *  @param xact the statement's own transaction, as the statement told it
 *  @param status see `OverwrittenFacts` */
export function overwrittenBySelf(
  client: PgClient,
  transaction: 'none' | TransactionObserver | undefined,
  before: RowState | 'none' | undefined,
  xact: unknown,
  isolation: string | undefined,
  status?: string | null,
): boolean | undefined | Promise<boolean | undefined> {
  if (before === undefined || before === 'none' || before.xmin === undefined) return undefined
  // a statement that is its own transaction found its row made by another
  if (transaction === 'none') return false
  if (typeof xact !== 'string' || isolation === undefined) return undefined
  const [xmin, current] = [BigInt(before.xmin), BigInt(xact)]
  const decided = decideOverwrittenBySelf({ xmin, current, status, isolation })
  if (decided !== 'ask') return decided
  return transaction ? askAgain(client, fullXid(xmin, current)) : undefined
}

/** The statement did not ask, or the other transaction ended after its snapshot: a new statement has a new one. An id
 *  that even this one does not know to have ended is a savepoint of our own. */
async function askAgain(client: PgClient, id: bigint): Promise<boolean | undefined> {
  try {
    const { text, values } = transactionStatus(id)
    const status = (await client.query(text, values)).rows[0]?.status
    return status === null || status === 'in progress'
  } catch {
    return undefined
  }
}
