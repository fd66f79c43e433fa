import { type ExecFileOptions, execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { rolldown } from 'rolldown'
import { generateClient } from './prisma-client.ts'

const sdk = join(import.meta.dirname, '..')
const modules = join(sdk, '..', 'node_modules')

/** A file of an installed package. */
export const bin = (path: string) => join(modules, path)

/** Every release line of Node that the package is for, each the real program. */
export const nodes = [
  { node: 'Node 20', file: bin('node20/bin/node') },
  { node: 'Node 22', file: bin('node22/bin/node') },
  { node: 'Node 24', file: bin('node/bin/node') },
] as const

export type NodeName = (typeof nodes)[number]['node']

/** What the programs need beside the package. */
const peers = [
  '@prisma/adapter-pg',
  '@prisma/client',
  'arktype',
  'libpg-query',
  'pg',
  'undici',
  'valibot',
  'zod',
]

/** The package as it is published, built and packed once. */
export interface PackedPackage {
  readonly dist: string
  /** An empty project with the package and the test's programs, and nothing else. */
  readonly project: string
  /** A copy of it with all peers, each in a release that supports this Node. */
  withPeers(node: NodeName): Promise<string>
  remove(): Promise<void>
}

export async function packPackage(): Promise<PackedPackage> {
  const folder = await mkdtemp(join(tmpdir(), 'syncproof-package-'))
  const dist = join(folder, 'dist')
  const project = join(folder, 'project')
  await run(process.execPath, [join(sdk, 'scripts/build.ts'), dist])
  const packed = await npm(folder, 'pack', dist, '--json')
  const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }]
  await cp(join(import.meta.dirname, 'consumers'), project, { recursive: true })
  await writeFile(join(project, 'package.json'), '{ "name": "consumer", "private": true }')
  // what an install may not need: the network, and scripts
  await npm(project, 'install', '--offline', '--ignore-scripts', join(folder, filename))
  const prismaClient = join(folder, 'prisma-client')
  return {
    dist,
    project,
    async withPeers(node) {
      const copy = join(folder, node.replace(' ', '-'))
      await cp(project, copy, { recursive: true })
      for (const peer of peers) await link(copy, peer, peer)
      await link(copy, 'kysely', kyselyFor(node))
      await bundlePrismaClient(prismaClient)
      await cp(prismaClient, join(copy, 'prisma-client'), { recursive: true })
      return copy
    },
    remove: () => rm(folder, { recursive: true }),
  }
}

/** Kysely 0.29 is for Node 22 and newer; on Node 20 its users have 0.28. */
function kyselyFor(node: NodeName): string {
  return node === 'Node 20' ? 'kysely28' : 'kysely'
}

async function link(project: string, name: string, installed: string): Promise<void> {
  const path = join(project, 'node_modules', name)
  await mkdir(dirname(path), { recursive: true })
  await symlink(bin(installed), path)
}

let prismaClientBundled: Promise<void> | undefined

/** Prisma generates TypeScript, which not every Node runs: made to JavaScript as a bundler does it. */
function bundlePrismaClient(to: string): Promise<void> {
  prismaClientBundled ??= (async () => {
    const generated = await generateClient()
    const build = await rolldown({
      input: { client: join(generated.folder, 'client/client.ts') },
      external: (id) => !id.startsWith('.') && !id.startsWith('/'),
      platform: 'node',
    })
    for (const [format, extension] of [
      ['esm', 'mjs'],
      ['cjs', 'cjs'],
    ] as const)
      await build.write({ dir: to, format, entryFileNames: `[name].${extension}` })
    await build.close()
    await generated.remove()
  })()
  return prismaClientBundled
}

export async function run(file: string, args: readonly string[], options: ExecFileOptions = {}) {
  try {
    return await promisify(execFile)(file, args, { ...options, encoding: 'utf8' })
  } catch (error) {
    // the compiler and the linters say on stdout what is wrong
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    throw new Error(`${file} ${args.join(' ')} failed\n${stdout}${stderr}`, { cause: error })
  }
}

function npm(cwd: string, ...args: string[]) {
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
  return run('npm', [...args, ...quiet], { cwd, shell: process.platform === 'win32' })
}
