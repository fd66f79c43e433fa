import { eventsOf, type StoredOf } from '../events.ts'
import { hazardOf, onceEach } from '../hazard.ts'
import type { Detector } from '../history.ts'

type Write = StoredOf<'write'>
type Sync = StoredOf<'sync'>
type Transaction = StoredOf<'transaction_finished'>

/** A function calls the other system while its database transaction is open: what is rolled back afterwards has been
 *  sent, and the row stays locked until the other system answers.
 *  Primary: the function's name, the entity type and the system. */
export const syncInsideTransaction: Detector = {
  id: 'sync-inside-transaction',
  title: 'A function calls the other system while its database transaction is open',
  needs: ['sync'],
  reads: [
    'operation_started.name',
    'transaction_finished.transaction',
    'transaction_finished.duration_us',
    'write.transaction',
    'sync.system',
    'sync.entity',
    'sync.duration_us',
  ],
  heeds: ['sync.on_behalf_of', 'write.system'],
  detect(history) {
    const transactions = eventsOf(history.events, 'transaction_finished')
    if (transactions.length === 0) return []
    const writes = eventsOf(history.events, 'write')
    return onceEach(
      eventsOf(history.events, 'sync').map((sync) => {
        const { entity, system } = sync
        const held = sync.on_behalf_of === undefined ? heldDuring(sync, transactions, writes) : undefined
        if (!held) return undefined
        return hazardOf(history, 'sync-inside-transaction', {
          ...{
            entity,
            system,
            severity: 'medium',
            fields: [],
            witness: [held.write, sync, held.transaction],
          },
          untilUs: held.endedUs,
          does: `calls ${system} about a ${entity.type} while its transaction is open: a rollback cannot take it back`,
        })
      }),
    )
  },
}

/** A transaction of which a write was sent before the sync, and that ended after its answer. */
function heldDuring(sync: Sync, transactions: readonly Transaction[], writes: readonly Write[]) {
  const answeredUs = sync.monotonic_us + (sync.duration_us ?? Number.NaN)
  for (const transaction of transactions) {
    const endedUs = transaction.monotonic_us + (transaction.duration_us ?? Number.NaN)
    if (!(transaction.monotonic_us <= sync.monotonic_us && answeredUs <= endedUs)) continue
    const write = writes.find(
      (candidate) =>
        candidate.transaction === transaction.transaction &&
        candidate.system !== sync.system &&
        candidate.monotonic_us <= sync.monotonic_us,
    )
    if (write) return { transaction, write, endedUs }
  }
  return undefined
}
