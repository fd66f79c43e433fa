import { limits } from '@syncproof/core/contract'
import { now } from '../clock.ts'
import type { ContractWitness } from './contract.ts'
import { guarded } from './guarded.ts'
import type { Operation } from './operation.ts'

/** Reports the violations of an operation's contract. */
export function witnessOf(operation: Operation): ContractWitness {
  const { hiddenIds, warn } = operation.instruments
  return {
    hiddenId: hiddenIds && operation.entity.id,
    violated(boundary, issues, system) {
      guarded({ operation }, () =>
        operation.produce('contract_violated', now(), {
          boundary,
          system,
          issues: issues.slice(0, limits.issuesPerEventMax),
        }),
      )
    },
    begin() {
      operation.inFlight += 1
      return () => {
        operation.inFlight -= 1
      }
    },
    failed: (message) => warn('contract_failed', message),
  }
}
