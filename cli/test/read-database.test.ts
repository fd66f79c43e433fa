import { migrateStore, openStore } from '@syncproof/store'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { freshDatabase } from '../../tools/testing/servers.ts'
import { cli, freePort, startCli } from './support/cli.ts'

const KEY = 'read-database-key'
const words = ['collector', '--port', '0', '--metrics-port', '0']

async function database(): Promise<string> {
  const { url, drop } = await freshDatabase()
  onTestFinished(drop)
  await migrateStore({ url })
  return url
}

describe('syncproof collector --read-database', () => {
  let env: Readonly<Record<string, string>>
  let url: string
  beforeEach(async () => {
    url = await database()
    const store = openStore({ url })
    await store.keys.adopt('default', 'test', KEY, ['ingest', 'read'])
    await store.close()
    env = { SYNCPROOF_DATABASE_URL: url }
  })

  const probe = async (api: string) => (await fetch(`${api}/readyz`)).json()

  it('says where reports come from, and the probe says how that is', async () => {
    const collector = startCli(words, { env: { ...env, SYNCPROOF_READ_DATABASE_URL: url } })
    const api = await collector.says(/^Collector: API (\S+),.* reports from postgres:/m)
    expect(await probe(api)).toEqual({ status: 'ok', replica: 'ok' })
  })

  it('starts while the replica is away, says so, and takes events in', async () => {
    const away = `postgres://me:pa55word@127.0.0.1:${await freePort()}/app`
    const collector = startCli([...words, '--read-database', away], { env })
    const api = await collector.says(/^Collector: API (\S+),/m)
    expect(collector.stderr()).toContain('does not answer. Events are taken in; reports are answered 503')
    expect(collector.stderr()).not.toContain('pa55word')
    expect(await probe(api)).toEqual({ status: 'ok', replica: 'unavailable' })
    const headers = { authorization: `Bearer ${KEY}` }
    const report = await fetch(`${api}/v1/findings`, { headers })
    expect(report.status).toBe(503)
    expect(await report.json()).toMatchObject({ code: 'replica_unavailable' })
  })

  it('exits 2 where it is no replica of the database: another installation’s reports would be shown', async () => {
    const { code, stdout, stderr } = await cli([...words, '--read-database', await database()], { env })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('is not a replica of the database that events go to')
  })
})
