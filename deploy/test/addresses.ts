import { freePort } from '../../tools/testing/throwaway-servers.ts'

/** What listens within Compose, by name and port. */
const ADDRESSES = [
  'postgres:5432',
  'redis:6379',
  'collector:4319',
  'collector:4320',
  'reconciler:4321',
  'prometheus:9090',
  'alertmanager:9093',
  'example:3000',
  'example:3001',
] as const

/** A port of this machine for each address within Compose. */
export interface Addresses {
  /** @param address such as `collector:4319` */
  portOf(address: string): string
  /** A text with addresses of this machine in the place of those of Compose, and of what a container calls its own. */
  translate(text: string): string
}

/** @param taken ports of what listens already */
export async function openAddresses(taken: Readonly<Record<string, string>>): Promise<Addresses> {
  const ports = new Map(
    await Promise.all(
      ADDRESSES.map(async (address) => [address, taken[address] ?? String(await freePort())] as const),
    ),
  )
  const ofPort = new Map([...ports].map(([address, port]) => [address.split(':')[1], port]))
  return {
    portOf: (address) => ports.get(address as (typeof ADDRESSES)[number]) ?? '',
    translate: (text) =>
      text.replace(/\b([a-z]+|127\.0\.0\.1):(\d{4})\b/g, (found, host: string, port: string) => {
        const own = host === '127.0.0.1' ? ofPort.get(port) : ports.get(found as (typeof ADDRESSES)[number])
        return own === undefined ? found : `127.0.0.1:${own}`
      }),
  }
}
