import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { reviews } from './reviewed.ts'
import { allMutants } from './subjects.ts'

const TIMEOUT_MS = 300_000
/** So many of the conditions fit into the time of a test run; `npm run mutation` deletes all of them. */
const EVERY = 4

describe('each condition of a proof', () => {
  test('has been reviewed: whether it is there for soundness, for detection, or for nothing that can be seen', () => {
    // `npm run mutation -- --list` prints the lines that reviewed.tsv lacks or has too many
    expect(
      reviews()
        .map(({ id }) => id)
        .sort(),
    ).toEqual(
      allMutants()
        .map(({ id }) => id)
        .sort(),
    )
  })

  test(
    'is missed when it is deleted, by a false proof or a miss as reviewed',
    async () => {
      const main = join(import.meta.dirname, 'main.ts')
      const options = ['--short', '--every', String(EVERY), '--simulations', '150']
      // a failure brings what was printed with it
      const { stdout } = await promisify(execFile)(process.execPath, [main, ...options])
      expect(stdout).toContain(', 0 not as reviewed')
    },
    TIMEOUT_MS,
  )
})
