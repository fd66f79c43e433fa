import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createFingerprinter } from '@syncproof/core/contract'
import { migrateStore, openStore, type Store } from '@syncproof/store'
import { openPglite } from '@syncproof/store/pglite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../../tools/testing/servers.ts'
import { cli, freshFolder } from './support/cli.ts'
import { createReporter } from './support/telemetry.ts'

const KEY = 'a fingerprint key'

describe('syncproof erase', () => {
  let database: FreshDatabase
  let store: Store
  beforeAll(async () => {
    database = await freshDatabase()
    await migrateStore({ url: database.url })
    store = openStore({ url: database.url })
  })
  afterAll(async () => {
    await store.close()
    await database.drop()
  })

  const erase = (...words: string[]) =>
    cli(['erase', ...words], {
      env: { SYNCPROOF_DATABASE_URL: database.url, SYNCPROOF_FINGERPRINT_KEY: KEY },
    })
  const knownOf = async (id: string) =>
    (await store.events.timeline('default', { type: 'candidate', id }, { limit: 50 })).items.length
  const report = async (project: string, id: string) => {
    const reporter = createReporter()
    const { process, events } = reporter.batch(reporter.operation(id, true))
    await store.events.append(project, process, events)
    return events.length
  }

  it('says what it would erase, and erases it when it is told to', async () => {
    const events = await report('default', '1')
    await report('default', '2')
    const others = await knownOf('2')
    const preview = await erase('candidate', '1')
    expect(preview.code).toBe(1)
    expect(preview.stdout).toBe(`candidate 1  ${events} events, 1 operation, 0 findings\n`)
    expect(preview.stderr).toContain('Nothing was erased. Repeat it with --yes')
    expect(await knownOf('1')).toBeGreaterThan(0)
    const done = await erase('candidate', '1', '--yes', '--json')
    expect(done.code).toBe(0)
    expect(JSON.parse(done.stdout)).toEqual({
      ...{ version: 1, project: 'default', entity: { type: 'candidate', id: '1' }, erased: true, done: true },
      removed: { events, operations: 1, findings: 0, findings_about_others: 0, hazards: 0, divergences: 0 },
    })
    expect([await knownOf('1'), await knownOf('2')]).toEqual([0, others])
    const again = await erase('candidate', '1')
    expect([again.code, again.stderr]).toEqual([0, 'Nothing is known of it.\n'])
  })

  it('erases what is known under the hash of the id, too, unless it is told not to', async () => {
    const hashed = createFingerprinter(KEY).entityId({ type: 'candidate', id: '3' })
    for (const id of ['3', hashed]) await report('default', id)
    expect((await erase('candidate', '3', '--as-is', '--yes')).code).toBe(0)
    expect([(await knownOf('3')) > 0, (await knownOf(hashed)) > 0]).toEqual([false, true])
    expect((await erase('candidate', '3', '--yes')).code).toBe(0)
    expect(await knownOf(hashed)).toBe(0)
  })

  it('erases in the project that is named, and in no other', async () => {
    await report('other', '4')
    expect((await erase('candidate', '4', '--yes')).code).toBe(0)
    expect((await erase('candidate', '4', '--project', 'other')).code).toBe(1)
  })

  it('erases from an embedded database', async () => {
    const folder = await freshFolder()
    const pool = await openPglite({ dir: folder })
    await migrateStore({ pool })
    const embedded = openStore({ pool })
    const reporter = createReporter()
    const { process, events } = reporter.batch(reporter.operation('5', true))
    await embedded.events.append('default', process, events)
    await pool.end()
    const done = await cli(['erase', 'candidate', '5', '--yes', '--data', folder])
    expect([done.code, done.stdout]).toEqual([
      0,
      `candidate 5  ${events.length} events, 1 operation, 0 findings\n`,
    ])
  })

  it('says nothing of a database that is not there', async () => {
    const folder = join(await freshFolder(), 'mistyped')
    for (const command of [['erase', 'candidate', '5', '--yes'], ['doctor']]) {
      const { code, stdout, stderr } = await cli([...command, '--data', folder])
      expect(code).toBe(3)
      expect(stdout + stderr).toContain('There is no folder')
      expect(stderr).not.toContain('Erased')
    }
    expect(existsSync(folder)).toBe(false)
  })
})
