import { expect } from 'vitest'
import type { HttpSystem } from './http-system.ts'
import type { RecordingServer } from './recording-server.ts'

export interface Reported {
  readonly server: RecordingServer
  /** The external system that the program called. */
  readonly system: HttpSystem
}

/** What is expected of the program in `consumers/jobs` for each subpath of the package. */
export const jobs: Readonly<Record<string, { job: string; check(reported: Reported): void }>> = {
  '.': {
    job: 'core',
    check({ server, system }) {
      expect(kinds(server)).toEqual(['operation_started', 'read', 'write', 'sync', 'operation_finished'])
      const [read] = server.ofKind('read')
      const [write] = server.ofKind('write')
      const [sync] = server.ofKind('sync')
      expect([read?.found, write?.outcome, sync?.outcome, sync?.status]).toEqual([true, 'ok', 'ok', 200])
      // the field rule: written in lower case, and sent in upper
      expect(sync?.fields.name).toEqual(write?.fields.name)
      expect(system.received.map(({ body }) => body)).toEqual(['{"id":"t-1","name":"AFTER"}'])
    },
  },
  './fields': {
    job: 'fields',
    check({ server }) {
      const [write] = server.ofKind('write')
      const [sync] = server.ofKind('sync')
      // a day as one system spells it, and as the other does
      expect(write?.fields.born).toBeDefined()
      expect(sync?.fields).toMatchObject({ name: write?.fields.name, born: write?.fields.born })
    },
  },
  './pg': { job: 'pg', check: ({ server }) => expectEvidence(server) },
  './kysely': { job: 'kysely', check: ({ server }) => expectEvidence(server) },
  './prisma': { job: 'prisma', check: ({ server }) => expectEvidence(server) },
  './fetch': {
    job: 'fetch',
    check({ server, system }) {
      const call = ['operation_started', 'read', 'sync', 'sync', 'sync', 'operation_finished']
      expect(kinds(server)).toEqual([...call, ...call])
      for (const read of server.ofKind('read'))
        expect(read).toMatchObject({ system: 'ats', found: true, version: 'etag/ats/thing/t-1/%221%22' })
      expect(server.ofKind('sync')).toMatchObject(
        [0, 1].flatMap(() => [
          {
            outcome: 'ok',
            status: 200,
            external_id: 't-1',
            external_version: '"1"',
            idempotency_key: 'key-t-1',
          },
          { outcome: 'rejected', status: 422 },
          { outcome: 'rejected' },
        ]),
      )
      expect(system.received.map(({ method }) => method)).toEqual([
        ...['GET', 'PUT', 'PATCH'],
        ...['GET', 'PUT', 'PATCH'],
      ])
    },
  },
  './proxy': {
    job: 'proxy',
    check({ server }) {
      expect(kinds(server)).toEqual(['operation_started', 'sync', 'operation_finished'])
      const [sync] = server.ofKind('sync')
      expect(sync).toMatchObject({ system: 'ats', action: 'update', outcome: 'ok', external_id: 't-1' })
      expect(Object.keys(sync?.fields ?? {})).toEqual(['id', 'name'])
    },
  },
  './contracts': {
    job: 'contracts',
    check({ server, system }) {
      const violated = server.ofKind('contract_violated')
      expect(violated.map(({ boundary, issues }) => [boundary, issues.map(({ path }) => path)])).toEqual([
        ['input', ['/1']],
        ['response', ['/id']],
        ['output', ['/name']],
        ['input', ['/1']],
      ])
      // enforced, the function did not run
      expect(system.received).toHaveLength(1)
    },
  },
  './section': {
    job: 'section',
    check({ server }) {
      const held = { name: 'hire', protection: 'row_lock', locked: true }
      expect(server.ofKind('section_entered')).toMatchObject([held])
      expect(server.ofKind('section_left')).toMatchObject([held])
      expect(server.ofKind('write')).toMatchObject([{ section: { name: 'hire', base_read_inside: true } }])
    },
  },
}

function kinds(server: RecordingServer): string[] {
  return server.events().map((event) => event.kind)
}

/** A read and a write in a transaction, by no mark, with what proves which version was overwritten. */
function expectEvidence(server: RecordingServer): void {
  const [read] = server.ofKind('read')
  const [write] = server.ofKind('write')
  const [transaction] = server.ofKind('transaction_finished')
  expect(read).toMatchObject({ system: 'db', found: true, version: expect.stringMatching(/^xmin\//) })
  expect(write).toMatchObject({
    outcome: 'ok',
    base_version: read?.version,
    overwritten_version: read?.version,
    known_versions: [read?.version],
    overwritten_by_self: false,
    transaction: transaction?.transaction,
  })
  expect(write?.assigned.name).toBe('value')
  expect(transaction?.outcome).toBe('ok')
}
