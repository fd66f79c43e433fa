import { describe, expect, it } from 'vitest'
import { forbiddenImport, isTestFile } from './arrows.ts'
import { importsOf, projectFiles, readProjectFile } from './source-files.ts'

const sources = projectFiles().filter((path) => /\.(ts|mjs)$/.test(path))

describe('the arrows between the parts', () => {
  it('hold in every file', () => {
    const broken = sources.flatMap((file) =>
      importsOf(readProjectFile(file)).flatMap((specifier) => {
        const reason = forbiddenImport(file, specifier)
        return reason ? [`${file}: ${reason}`] : []
      }),
    )
    expect(broken).toEqual([])
  })

  it('keep SQL on our own tables in store/ and migrations/', () => {
    // who holds the store to account does not ask the store, and a peer of it is none
    const others = [
      ...['tools/torture/account.ts', 'tools/torture/fuzz.ts', 'benchmarks/ingest/peer.ts'],
      // a million findings at once
      'benchmarks/metrics/main.ts',
    ]
    const sql = /\b(from|into|update|join|table)\s+"?syncproof"?\./i
    const elsewhere = sources.filter(
      (file) => !/^(store|migrations)\//.test(file) && !isTestFile(file) && sql.test(readProjectFile(file)),
    )
    expect(elsewhere.filter((file) => !others.includes(file))).toEqual([])
  })

  it.each([
    ['sdk/src/client.ts', '@syncproof/core/contract/schema'],
    ['sdk/src/client.ts', 'zod'],
    ['core/detection/index.ts', 'node:fs'],
    ['core/detection/index.ts', '../comparison/compare.ts'],
    ['core/verification/witness.ts', '../detection/index.ts'],
    ['core/verification/kinds/lost-update.ts', '../../detection/field-values.ts'],
    ['core/verification/witness.ts', 'node:crypto'],
    ['core/verification/witness.ts', 'zod'],
    ['services/collector/src/app.ts', '@syncproof/reconciler'],
    ['services/reconciler/src/app.ts', '../../collector/src/app.ts'],
    ['cli/src/main.ts', '../../examples/candidate-sync/src/app.ts'],
    ['store/src/events.ts', 'fastify'],
    ['store/src/events.ts', '../../tools/testing/servers.ts'],
  ])('refuse that %s imports %s', (file, specifier) => {
    expect(forbiddenImport(file, specifier)).toBeTypeOf('string')
  })
})
