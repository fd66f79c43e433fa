import { dirname, join, normalize } from 'node:path'

/** What each part of the tree may import beside Node's own modules. The first match of a path decides. */
interface Part {
  readonly path: string
  /** Parts of the tree, by path. */
  readonly parts: readonly string[]
  /** Packages of others; `*` for any. */
  readonly packages: readonly string[]
  /** Node's own modules; the default is any. */
  readonly builtins?: readonly string[]
}

const EVERYTHING = ['core', 'sdk', 'store', 'migrations', 'services', 'connectors', 'cli']

export const parts: readonly Part[] = [
  // event-schema.ts alone may use Zod: whatever the SDK takes from the contract must have no dependency
  { path: 'core/contract/event-schema.ts', parts: ['core/contract'], packages: ['zod'], builtins: [] },
  { path: 'core/contract', parts: ['core/contract'], packages: [], builtins: ['node:crypto'] },
  { path: 'core/detection', parts: ['core/contract'], packages: [], builtins: [] },
  // derives again what detection found: it must share no code with it
  { path: 'core/verification', parts: ['core/contract'], packages: [], builtins: [] },
  { path: 'core/comparison', parts: ['core/contract'], packages: [], builtins: [] },
  { path: 'sdk/scripts', parts: [], packages: ['rolldown'] },
  // an adapter may know the library that it adapts, and a parser: optional peers of what is published
  { path: 'sdk/src/sql', parts: ['sdk', 'core/contract'], packages: ['libpg-query'] },
  { path: 'sdk/src/kysely', parts: ['sdk', 'core/contract'], packages: ['kysely'] },
  { path: 'sdk/src/prisma', parts: ['sdk', 'core/contract'], packages: ['@prisma/client'] },
  { path: 'sdk', parts: ['core/contract'], packages: [] },
  { path: 'migrations', parts: [], packages: ['kysely'], builtins: [] },
  {
    path: 'store',
    parts: ['core/contract', 'migrations'],
    packages: ['kysely', 'pg', 'pg-copy-streams', '@electric-sql/pglite'],
  },
  { path: 'services/collector', parts: ['core', 'store'], packages: ['*'] },
  { path: 'services/reconciler', parts: ['core', 'store', 'connectors'], packages: ['*'] },
  { path: 'connectors', parts: ['core'], packages: ['pg', 'mysql2', 'csv-parse'] },
  {
    path: 'cli/src/telemetry',
    parts: ['cli'],
    packages: [
      ...[
        '@opentelemetry/sdk-node',
        '@opentelemetry/instrumentation-http',
        '@opentelemetry/instrumentation-pg',
      ],
      ...['@opentelemetry/instrumentation-ioredis', '@sentry/node'],
    ],
  },
  { path: 'cli', parts: EVERYTHING, packages: ['prom-client'] },
  { path: 'examples', parts: EVERYTHING, packages: ['*'] },
  { path: 'benchmarks', parts: [...EVERYTHING, 'tools'], packages: ['*'] },
  // what really happened is told by those who do not know Syncproof
  { path: 'truth/oracle', parts: ['truth'], packages: [] },
  { path: 'truth/world', parts: ['truth', 'core/contract'], packages: ['pg'] },
  { path: 'truth', parts: [...EVERYTHING, 'tools'], packages: ['*'] },
  // what Grafana and Prometheus are given knows metrics by their names alone
  { path: 'dashboards/src', parts: [], packages: ['@grafana/grafana-foundation-sdk', 'yaml'] },
  { path: 'dashboards', parts: [...EVERYTHING, 'tools', 'examples'], packages: ['*'] },
  // what compose mounts
  { path: 'deploy', parts: ['cli'], packages: [] },
  { path: 'tools', parts: EVERYTHING, packages: ['*'] },
]

/** Packages of the workspace by name. */
const workspace: Readonly<Record<string, string>> = {
  '@syncproof/core/contract': 'core/contract/index.ts',
  '@syncproof/core/contract/schema': 'core/contract/event-schema.ts',
  '@syncproof/core/contract/fields': 'core/contract/more-fields.ts',
  '@syncproof/core/contract/errors': 'core/contract/error-catalogue.ts',
  '@syncproof/core/detection': 'core/detection',
  '@syncproof/core/comparison': 'core/comparison',
  '@syncproof/core/verification': 'core/verification',
  '@syncproof/sdk': 'sdk',
  '@syncproof/store': 'store',
  '@syncproof/store/pglite': 'store',
  '@syncproof/migrations': 'migrations',
  '@syncproof/collector': 'services/collector',
  '@syncproof/reconciler': 'services/reconciler',
  '@syncproof/reconciler/sinks': 'services/reconciler',
  '@syncproof/connectors': 'connectors',
  '@syncproof/connectors/rules': 'connectors',
  '@syncproof/connectors/secrets': 'connectors',
  '@syncproof/connectors/retry-after': 'connectors',
  syncproof: 'cli',
}

export function isTestFile(path: string): boolean {
  return /\.test\.ts$|\/test\/|\/testing\//.test(path)
}

/** Why a file may not import this; undefined where it may. Tests may use any part and any package, but not
 *  what only shows or runs the product. */
export function forbiddenImport(file: string, specifier: string): string | undefined {
  const part = parts.find((candidate) => isWithin(file, candidate.path))
  if (!part) return isTestFile(file) || !file.includes('/') ? undefined : `no part of the tree owns ${file}`
  const target = targetOf(file, specifier)
  if (target.kind === 'builtin') {
    const allowed = part.builtins
    return !allowed || allowed.includes(target.name) || isTestFile(file)
      ? undefined
      : `${part.path} must stay pure: it may not use ${target.name}`
  }
  if (target.kind === 'package') {
    const allowed = part.packages.includes('*') || part.packages.includes(target.name)
    return allowed || isTestFile(file) ? undefined : `${part.path} may not depend on ${target.name}`
  }
  for (const last of ['examples', 'benchmarks', 'truth'])
    if (isWithin(target.path, last) && !isWithin(file, last)) return `nothing imports ${last}`
  const mayUseTools =
    ['tools', 'benchmarks', 'truth'].some((part) => isWithin(file, part)) || isTestFile(file)
  if (isWithin(target.path, 'tools') && !mayUseTools) return 'only tests, benchmarks and truth import tools'
  if (isTestFile(file) || isWithin(target.path, part.path)) return undefined
  if (isWithin(target.path, 'core') && isWithin(part.path, 'sdk') && !PUBLISHED.includes(target.path))
    return schemaReason(target.path)
  return part.parts.some((allowed) => isWithin(target.path, allowed))
    ? undefined
    : `${part.path} may not import ${target.path}`
}

/** Of core, what has no dependency and is published within the SDK. */
const PUBLISHED = ['core/contract/index.ts', 'core/contract/more-fields.ts']

function schemaReason(path: string): string {
  return `the SDK may take only @syncproof/core/contract and its fields, not ${path}: everything it takes is published in it`
}

type Target =
  | { readonly kind: 'builtin'; readonly name: string }
  | { readonly kind: 'package'; readonly name: string }
  | { readonly kind: 'part'; readonly path: string }

function targetOf(file: string, specifier: string): Target {
  if (specifier.startsWith('node:')) return { kind: 'builtin', name: specifier }
  if (specifier.startsWith('.')) return { kind: 'part', path: normalize(join(dirname(file), specifier)) }
  const own = specifier.startsWith('@syncproof/sdk/') ? 'sdk' : workspace[specifier]
  if (own) return { kind: 'part', path: own }
  const [scope = '', name = ''] = specifier.split('/')
  return { kind: 'package', name: scope.startsWith('@') ? `${scope}/${name}` : scope }
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}
