import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer as createPlain } from 'node:net'
import { join } from 'node:path'
import { createServer, type Server } from 'node:tls'
import { migrateStore } from '@syncproof/store'
import { expect, it, onTestFinished } from 'vitest'
import { startReceiver } from '../../services/reconciler/test/support/receiver.ts'
import { freshDatabase } from '../../tools/testing/servers.ts'
import { knock } from '../src/doctor/ask/knock.ts'
import { type Certificate, makeAuthority } from './support/certificates.ts'
import { cli, freePort, freshFolder, startCli } from './support/cli.ts'

const NAMES = 'DNS:localhost,IP:127.0.0.1'
const DAY_MS = 86_400_000

/** Ends TLS before a server that speaks none, as a proxy does. @returns its port */
async function endTls(certificate: Certificate, port?: number): Promise<number> {
  const server: Server = createServer(certificate, (socket) => {
    socket.on('error', () => socket.destroy())
    if (port === undefined) return void socket.end()
    const behind = connect(port, '127.0.0.1')
    behind.on('error', () => socket.destroy())
    socket.pipe(behind).pipe(socket)
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

it('a certificate is shown with its end and what speaks against it', async () => {
  const authority = await makeAuthority()
  const shownBy = async (certificate: Certificate) => {
    const came = await knock(new URL(`https://127.0.0.1:${await endTls(certificate)}`))
    if (came.came !== 'certificate') throw new Error(`nothing was shown: ${JSON.stringify(came)}`)
    return { ...came.shown, days: Math.round((came.shown.endsMs - Date.now()) / DAY_MS) }
  }
  expect(await shownBy(authority.issue(NAMES, 30))).toMatchObject({
    ...{ days: 30, protocol: 'TLSv1.3', distrust: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
  })
  expect(await shownBy(authority.issue(NAMES, -1))).toMatchObject({ days: -1 })
  const silent = createPlain(() => {})
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  onTestFinished(() => void silent.close())
  const { port } = silent.address() as AddressInfo
  expect(await knock(new URL(`http://127.0.0.1:${port}`))).toEqual({ came: 'connection' })
  expect(await knock(new URL(`http://127.0.0.1:${await freePort()}`))).toEqual({
    ...{ came: 'nothing', reason: 'ECONNREFUSED' },
  })
})

it('a collector behind TLS is trusted by its authority, warned of before it ends, and failed where nobody knows it', async () => {
  const database = await freshDatabase()
  onTestFinished(() => database.drop())
  await migrateStore({ url: database.url })
  const port = await freePort()
  const collector = startCli(
    ['collector', '--database', database.url, '--port', `${port}`, '--metrics-port', '0'],
    { env: { SYNCPROOF_API_KEY: 'operator' } },
  )
  await collector.says(/^Collector: /m)
  const authority = await makeAuthority()
  const tlsPort = await endTls(authority.issue('DNS:localhost', 20), port)
  const folder = await freshFolder()
  const doctor = async (url: string, env: Record<string, string>) => {
    const words = ['doctor', '--json', '--no-round-trip', '--database', database.url, '--url', url]
    const { code, stdout } = await cli(words, { folder, env })
    const { checks, not_looked_at } = JSON.parse(stdout)
    const of = (...names: string[]) => checks.filter(({ name }: { name: string }) => names.includes(name))
    return { code, not_looked_at, of }
  }
  const env = { NODE_EXTRA_CA_CERTS: authority.file, SYNCPROOF_API_KEY: 'operator' }
  const trusted = await doctor(`https://localhost:${tlsPort}`, env)
  expect(trusted.of('TLS', 'collector', 'API key')).toMatchObject([
    { state: 'pass', what: expect.stringContaining('The database') },
    { state: 'warn', what: expect.stringContaining('its certificate ends in 20 days') },
    { state: 'pass', what: `https://localhost:${tlsPort} is ready.` },
    { state: 'pass', what: expect.stringContaining('is known, and may read') },
  ])
  const unknown = await doctor(`https://localhost:${tlsPort}`, { SYNCPROOF_API_KEY: 'operator' })
  expect(unknown.code).toBe(1)
  expect(unknown.of('TLS', 'collector', 'API key').slice(1)).toMatchObject([
    { state: 'fail', mend: expect.stringContaining('NODE_EXTRA_CA_CERTS') },
    { state: 'warn' },
  ])
  expect(unknown.not_looked_at).toContainEqual({ name: 'collector', why: 'its certificate is not good' })
  // it is not this address that the certificate is for
  const other = await doctor(`https://127.0.0.1:${tlsPort}`, env)
  expect(other.of('TLS')[1]).toMatchObject({ state: 'fail', what: expect.stringContaining('ALTNAME') })
})

it('sinks are reached or not, and nothing is sent to them', async () => {
  const database = await freshDatabase()
  onTestFinished(() => database.drop())
  await migrateStore({ url: database.url })
  const hook = await startReceiver()
  onTestFinished(() => hook.close())
  const folder = await freshFolder()
  const index = new URL('../src/index.ts', import.meta.url).href
  await writeFile(
    join(folder, 'syncproof.config.ts'),
    `import { defineConfig, postgres, slack, webhook } from '${index}'
    const table = postgres({ url: 'postgres://127.0.0.1/none', table: 'candidates', key: 'id' })
    export default defineConfig({
      pairs: { candidate: { source: table, target: table } },
      alerts: [
        webhook({ url: '${hook.url}/hook' }),
        slack({ url: 'http://127.0.0.1:${await freePort()}/services/T/B/secret' }),
      ],
    })`,
  )
  const { code, stdout } = await cli(['doctor', '--json', '--database', database.url, '--no-round-trip'], {
    folder,
  })
  const { checks } = JSON.parse(stdout)
  expect(checks.filter(({ name }: { name: string }) => name === 'alerts')).toMatchObject([
    { state: 'pass', what: expect.stringContaining(`webhook: ${hook.url} can be reached`) },
    { state: 'fail', what: expect.stringMatching(/^slack: .*ECONNREFUSED/) },
  ])
  expect({ code, received: hook.received }).toEqual({ code: 1, received: [] })
  expect(stdout).not.toContain('secret')
})
