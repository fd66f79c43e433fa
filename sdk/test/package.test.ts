import { type ExecFileOptions, execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../../tools/testing/servers.ts'
import { recordingServer } from './recording-server.ts'

const sdk = join(import.meta.dirname, '..')
const modules = join(sdk, '..', 'node_modules')
const bin = (path: string) => join(modules, path)

/** Every release line of Node that the package is for, each the real program. */
const nodes = [
  ['Node 20', bin('node20/bin/node')],
  ['Node 22', bin('node22/bin/node')],
  ['Node 24', bin('node/bin/node')],
] as const

async function run(file: string, args: readonly string[], options: ExecFileOptions = {}) {
  try {
    return await promisify(execFile)(file, args, { ...options, encoding: 'utf8' })
  } catch (error) {
    // the compiler and the linters say on stdout what is wrong
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    throw new Error(`${file} ${args.join(' ')} failed\n${stdout}${stderr}`, { cause: error })
  }
}

let folder: string
let dist: string
let project: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'syncproof-package-'))
  dist = join(folder, 'dist')
  project = join(folder, 'project')
  await run(process.execPath, [join(sdk, 'scripts/build.ts'), dist])
  const packed = await npm(folder, 'pack', dist, '--json')
  const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }]
  await cp(join(import.meta.dirname, 'consumers'), project, { recursive: true })
  await writeFile(join(project, 'package.json'), '{ "name": "consumer", "private": true }')
  // what an install may not need: the network, and scripts
  await npm(project, 'install', '--offline', '--ignore-scripts', join(folder, filename))
})
afterAll(() => rm(folder, { recursive: true }))

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

  it('loads at most 18 kB, compressed, for who imports the core', async () => {
    const { files } = await staticImports('index.js')
    const code = await Promise.all(files.map((file) => readFile(join(dist, file))))
    expect(gzipSync(Buffer.concat(code), { level: 9 }).length).toBeLessThanOrEqual(18_000)
  })
})

describe.each(nodes)('on %s', (_name, node) => {
  let server: Awaited<ReturnType<typeof recordingServer>>
  let database: FreshDatabase

  beforeAll(async () => {
    database = await freshDatabase()
    await symlink(bin('pg'), join(project, 'node_modules/pg')).catch(ignoreExisting)
  })
  afterAll(() => database.drop())
  beforeEach(async () => {
    server = await recordingServer()
  })
  afterEach(() => server.close())

  const start = (file: string) =>
    run(node, [join(project, file)], {
      env: { SYNCPROOF_URL: server.url, DATABASE_URL: database.url, SYNCPROOF_FINGERPRINT_KEY: 'k' },
    })
  const kinds = () => server.events().map((event) => event.kind)
  const call = ['operation_started', 'read', 'write', 'sync', 'operation_finished']

  it.each(['esm.mjs', 'commonjs.cjs'])('%s reports a whole call and ends by itself', async (file) => {
    const { stderr } = await start(file)
    expect(stderr).toBe('')
    expect(kinds()).toEqual(call)
  })

  it('a required and an imported copy in one process know of each other', async () => {
    const { stderr } = await start('both.mjs')
    expect(stderr).toBe('')
    const operations = new Set(server.ofKind('operation_started').map((event) => event.operation_id))
    expect(operations.size).toBe(2)
    for (const kind of ['read', 'write', 'sync'] as const)
      expect(new Set(server.ofKind(kind).map((event) => event.operation_id))).toEqual(operations)
    // the helper of the other copy brought the evidence
    for (const write of server.ofKind('write')) {
      expect(write.overwritten_version).toMatch(/^xmin\//)
      expect(write.known_versions).toContain(write.overwritten_version)
    }
  })
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
    for (const [, node] of nodes) await run(node, [join(project, built)], { env })
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

function npm(cwd: string, ...args: string[]) {
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
  return run('npm', [...args, ...quiet], { cwd, shell: process.platform === 'win32' })
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
