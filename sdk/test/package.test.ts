import { readdir, readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../../tools/testing/servers.ts'
import { httpSystem, json } from './http-system.ts'
import { jobs, type Reported } from './package-jobs.ts'
import { bin, type NodeName, nodes, type PackedPackage, packPackage, run } from './package-project.ts'
import { recordingServer } from './recording-server.ts'

let packed: PackedPackage
let dist: string
let project: string

beforeAll(async () => {
  packed = await packPackage()
  dist = packed.dist
  project = packed.project
})
afterAll(() => packed.remove())

describe('the package', () => {
  it('has what a stranger expects of one, and nothing of the workspace', async () => {
    const installed = await readdir(join(project, 'node_modules'))
    expect(installed.filter((name) => !name.startsWith('.'))).toEqual(['@syncproof'])
    const files = await readdir(join(project, 'node_modules/@syncproof/sdk'), { recursive: true })
    expect(files).toEqual(
      expect.arrayContaining(['README.md', 'LICENSE', 'index.js', 'index.cjs', 'pg.d.cts']),
    )
    expect(files.filter((name) => /\.test\.|tsbuildinfo/.test(name))).toEqual([])
    for (const file of files.filter((name) => /\.(?:js|cjs|ts|cts)$/.test(name))) {
      const text = await readFile(join(project, 'node_modules/@syncproof/sdk', file), 'utf8')
      expect([file, text.match(/@syncproof\/core/)]).toEqual([file, null])
    }
  })

  it('depends on nothing', async () => {
    const manifest = JSON.parse(await readFile(join(dist, 'package.json'), 'utf8'))
    expect(manifest.dependencies ?? {}).toEqual({})
    const optional = Object.keys(manifest.peerDependenciesMeta)
    expect(Object.keys(manifest.peerDependencies).sort()).toEqual(optional.sort())
    const { modules: imported } = await staticImports('index.js')
    expect(imported.filter((name) => !isBuiltin(name))).toEqual([])
  })

  it('is clean for publint', async () => {
    const { stdout } = await run(process.execPath, [bin('publint/src/cli.js'), dist, '--strict'])
    expect(stdout).toContain('All good!')
  })

  it('resolves to the right types from ESM, CommonJS and bundlers', async () => {
    const attw = bin('@arethetypeswrong/cli/dist/index.js')
    const { stdout } = await run(process.execPath, [attw, '--pack', dist, '--profile', 'node16'])
    expect(stdout).toContain('No problems found')
  })

  it('loads at most 17 kB, compressed, for who imports the core', async () => {
    const { files } = await staticImports('index.js')
    const code = await Promise.all(files.map((file) => readFile(join(dist, file))))
    expect(gzipSync(Buffer.concat(code), { level: 9 }).length).toBeLessThanOrEqual(17_000)
  })
})

it('every subpath has a program that uses it', async () => {
  const manifest = JSON.parse(await readFile(join(dist, 'package.json'), 'utf8'))
  expect(Object.keys(jobs).sort()).toEqual(
    Object.keys(manifest.exports)
      .filter((subpath) => subpath !== './package.json')
      .sort(),
  )
})

describe.each(nodes)('on $node', ({ node, file }) => {
  let database: FreshDatabase
  let folder: string

  beforeAll(async () => {
    database = await freshDatabase()
    const pool = new pg.Pool({ connectionString: database.url })
    await pool.query(await readFile(new URL('prisma/tables.sql', import.meta.url), 'utf8'))
    await pool.end()
    folder = await packed.withPeers(node)
  })
  afterAll(() => database.drop())

  /** Runs a program of the project to its end, beside a collector and an external system of its own. */
  async function report(args: readonly string[], check: (reported: Reported) => void) {
    const server = await recordingServer()
    const system = await httpSystem(({ path }, response) => {
      const isRefused = path === '/refused'
      if (isRefused) response.writeProcessing()
      json(response, isRefused ? 422 : 200, { id: 't-1', name: 'before' }, { etag: 'W/"1"' })
    })
    try {
      const [program = '', ...rest] = args
      const { stderr } = await run(file, [join(folder, program), ...rest], {
        env: {
          SYNCPROOF_URL: server.url,
          SYNCPROOF_FINGERPRINT_KEY: 'k',
          DATABASE_URL: database.url,
          SYSTEM_URL: system.url,
        },
      })
      expect(stderr).toBe('')
      check({ server, system })
    } finally {
      await Promise.all([server.close(), system.close()])
    }
  }

  const all = Object.entries(jobs).map(([subpath, { job, check }]) => ({
    subpath,
    job,
    check,
    note: noteOf(subpath, node),
  }))
  it.each(all)('$subpath does its work, imported and required$note', async ({ job, check }) => {
    await Promise.all(['run.mjs', 'run.cjs'].map((program) => report([program, job], check)))
  })

  it('a required and an imported copy in one process know of each other', () =>
    report(['both.mjs'], ({ server }) => {
      const operations = new Set(server.ofKind('operation_started').map((event) => event.operation_id))
      expect(operations.size).toBe(2)
      for (const kind of ['read', 'write', 'sync'] as const)
        expect(new Set(server.ofKind(kind).map((event) => event.operation_id))).toEqual(operations)
      // the helper of the other copy brought the evidence
      for (const write of server.ofKind('write')) {
        expect(write.overwritten_version).toMatch(/^xmin\//)
        expect(write.known_versions).toContain(write.overwritten_version)
      }
    }))
})

describe.each([
  ['ESM', 'typed.mts', 'typed.mjs'],
  ['CommonJS', 'typed.cts', 'typed.cjs'],
])('a TypeScript program in %s', (_format, source, built) => {
  it('compiles under strict flags against the declarations, and runs', async () => {
    await run(process.execPath, [
      bin('typescript/bin/tsc'),
      ...[
        '--ignoreConfig',
        '--strict',
        '--exactOptionalPropertyTypes',
        '--module',
        'nodenext',
        '--target',
        'es2023',
      ],
      ...['--types', 'node', '--typeRoots', bin('@types'), join(project, source)],
    ])
    const env = { SYNCPROOF_FINGERPRINT_KEY: 'k', SYNCPROOF_URL: 'http://127.0.0.1:9' }
    for (const { file } of nodes) await run(file, [join(project, built)], { env })
  })
})

/** What loads with a built file, by way of static imports: files of `dist` with itself, and modules. */
async function staticImports(
  file: string,
): Promise<{ files: readonly string[]; modules: readonly string[] }> {
  const files = new Set([file])
  const imported = new Set<string>()
  for (const next of files) {
    const code = await readFile(join(dist, next), 'utf8')
    for (const match of code.matchAll(/(?:^|[;}])(?:import|export)[^"'();]*?["']([^"']+)["']/g)) {
      const [, specifier = ''] = match
      if (specifier.startsWith('.')) files.add(join(next, '..', specifier))
      else imported.add(specifier)
    }
  }
  return { files: [...files], modules: [...imported] }
}

function noteOf(subpath: string, node: NodeName): string {
  return subpath === './kysely' && node === 'Node 20'
    ? ', with Kysely 0.28, for 0.29 does not support Node 20'
    : ''
}
