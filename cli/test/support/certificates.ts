import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freshFolder } from './cli.ts'

export interface Certificate {
  readonly key: Buffer
  readonly cert: Buffer
}

/** An authority of the test's own, made by openssl. */
export interface Authority {
  /** Its certificate, for NODE_EXTRA_CA_CERTS. */
  readonly file: string
  /** A certificate for these names (`DNS:localhost,IP:127.0.0.1`) that ends after so many days; -1 ended yesterday. */
  issue(names: string, days: number): Certificate
}

export async function makeAuthority(): Promise<Authority> {
  const folder = await freshFolder()
  const [key, file] = [join(folder, 'ca.key'), join(folder, 'ca.pem')]
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...newKey, '-keyout', key, '-out', file, '-subj', '/CN=test', '-days', '400')
  let made = 0
  return {
    file,
    issue(names, days) {
      const own = join(folder, String(++made))
      openssl('req', ...newKey, '-keyout', `${own}.key`, '-out', `${own}.csr`, '-subj', '/CN=server')
      writeFileSync(`${own}.ext`, `subjectAltName=${names}\n`)
      const by = ['-CA', file, '-CAkey', key, '-CAcreateserial', '-days', String(days)]
      openssl('x509', '-req', '-in', `${own}.csr`, ...by, '-extfile', `${own}.ext`, '-out', `${own}.pem`)
      return { key: readFileSync(`${own}.key`), cert: readFileSync(`${own}.pem`) }
    },
  }
}

function openssl(...words: string[]): void {
  const { status, stderr } = spawnSync('openssl', words, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`openssl ${words[0]} failed: ${stderr}`)
}
