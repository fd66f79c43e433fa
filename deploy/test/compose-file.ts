import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

export interface ComposeService {
  readonly image: string
  readonly user?: string
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly secrets?: readonly string[]
  readonly volumes?: readonly string[]
  readonly tmpfs?: readonly string[]
  readonly ports?: readonly string[]
  readonly profiles?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly build?: { readonly target: string }
  readonly deploy?: {
    readonly resources?: { readonly limits?: { readonly cpus: string; readonly memory: string } }
  }
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
  readonly volumes: Readonly<Record<string, unknown>>
}

export const ROOT = new URL('../../', import.meta.url)

/** The file as Compose reads it: with what is merged, before variables are put in. */
export function readCompose(): ComposeFile {
  return parse(readFileSync(new URL('docker-compose.yml', ROOT), 'utf8'), { merge: true })
}

const UNITS: Readonly<Record<string, number>> = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

/** `512m` in bytes. */
export function bytesOf(size: string): number {
  const [, count, unit = ''] = /^(\d+)([bkmg])$/.exec(size) ?? []
  return Number(count) * (UNITS[unit] ?? Number.NaN)
}
