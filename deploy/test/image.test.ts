import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { parseSync } from 'oxc-parser'
import { describe, expect, it } from 'vitest'
import { root } from '../../tools/tree/source-files.ts'
import { readCompose } from './compose-file.ts'
import { contextFiles, entrypointOf, filesOf, stages } from './image.ts'

const targets = Object.values(readCompose().services).flatMap(({ build }) => build?.target ?? [])
/** What is imported only where it is there, or where it is used. */
const NOT_NEEDED: Readonly<Record<string, readonly string[]>> = {
  // the pair of an embedded database; here it has a DATABASE_URL
  syncproof: ['examples/candidate-sync/src/database.ts'],
  // observe() of the SDK; the app has marks
  example: ['sdk/src/sql/parser.ts imports libpg-query'],
}
const read = (path: string) => readFileSync(join(root, path), 'utf8')

describe('the images that compose builds', () => {
  it('are stages of the Dockerfile, on one version of Node, which is that of the tests', () => {
    expect(stages.map(({ name }) => name)).toEqual(expect.arrayContaining(targets))
    const [, version] = /^ARG NODE_IMAGE=node:([\d.]+)-slim$/m.exec(read('Dockerfile')) ?? []
    expect(version).toBe(JSON.parse(read('package.json')).devDependencies.node)
    for (const { from } of stages)
      expect(from === '$' + '{NODE_IMAGE}' || stages.some(({ name }) => name === from)).toBe(true)
  })

  it('copy nothing that is not there, or that .dockerignore keeps back', () => {
    const context = contextFiles()
    for (const { name, steps } of stages)
      for (const [step, words] of steps) {
        if (step !== 'COPY' || words.startsWith('--from')) continue
        for (const from of words.split(' ').slice(0, -1)) {
          const isThere = context.some((path) => path === from || path.startsWith(`${from}/`))
          expect([name, from, isThere]).toEqual([name, from, true])
        }
      }
  })

  it('know every workspace, or npm would not install what the lockfile says', () => {
    const workspaces = Object.keys(JSON.parse(read('package-lock.json')).packages).filter(
      (path) => path !== '' && !path.includes('node_modules'),
    )
    const copied = [...filesOf('manifests').values()]
    expect(copied).toEqual(expect.arrayContaining(workspaces.map((path) => `${path}/package.json`)))
  })

  it('install without what is there for development, and run as nobody of importance', () => {
    const steps = stages.flatMap((stage) => stage.steps)
    const installs = steps.filter(([step]) => step === 'RUN').map(([, command]) => command)
    expect(installs).toEqual([
      'npm ci --omit=dev --workspace syncproof',
      'npm ci --omit=dev --workspace @syncproof/example-candidate-sync',
    ])
    for (const target of new Set(targets)) {
      const last = stages.find(({ name }) => name === target)?.steps.filter(([step]) => step === 'USER')
      expect([target, last]).toEqual([target, [['USER', 'node']]])
    }
  })

  it.each([...new Set(targets)])(
    '%s has all that its program imports, as a dependency that is installed',
    (target) => {
      const files = new Set(filesOf(target).values())
      const missing: string[] = []
      const seen = new Set<string>()
      const follow = (path: string) => {
        if (seen.has(path)) return
        seen.add(path)
        if (!files.has(path)) {
          missing.push(path)
          return
        }
        for (const specifier of importsOf(path)) {
          const found = resolve(path, specifier)
          if (found === undefined) missing.push(`${path} imports ${specifier}`)
          else if (found !== '') follow(found)
        }
      }
      follow(entrypointOf(target).at(-1) ?? '')
      follow('deploy/healthcheck.mjs')
      if (target === 'syncproof') follow('examples/candidate-sync/syncproof.config.ts')
      expect(missing).toEqual(NOT_NEEDED[target])
      expect(seen.size).toBeGreaterThan(50)
    },
  )
})

/** What a file imports as values, also when it runs, and the files that it names by their URL. Types are not there when it
 *  runs. */
function importsOf(path: string): readonly string[] {
  // what is read or imported as data imports nothing
  if (!/\.(ts|mjs)$/.test(path)) return []
  const code = read(path)
  const { errors, module } = parseSync(path, code)
  expect([path, errors]).toEqual([path, []])
  const fixed = [...module.staticImports, ...module.staticExports]
    .map(({ start, end }) => code.slice(start, end))
    .filter((statement) => !/^(import|export) type /.test(statement))
    .flatMap((statement) => /(?:^import|\bfrom) '([^']+)'/.exec(statement)?.[1] ?? [])
  const lazy = module.dynamicImports.map(({ moduleRequest }) =>
    code.slice(moduleRequest.start, moduleRequest.end),
  )
  const named = [...code.matchAll(/new URL\(\s*'(\.[^']+\.(?:ts|mjs|json|sql))',\s*import\.meta\.url/g)].map(
    ([, url = '']) => url,
  )
  const literal = lazy.filter((text) => /^'[^']*'$/.test(text)).map((text) => text.slice(1, -1))
  return [...new Set([...fixed, ...literal, ...named])]
}

/** Where an import leads: a file of ours, '' for what is installed or Node's own, undefined for what is neither. */
function resolve(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('node:')) return ''
  if (specifier.startsWith('.')) return normalize(join(dirname(path), specifier))
  const [first = '', second = ''] = specifier.split('/')
  const name = first.startsWith('@') ? `${first}/${second}` : first
  const folder = workspaces.get(name)
  if (folder === undefined) return manifestOf(path).dependencies?.[name] === undefined ? undefined : ''
  const exported = JSON.parse(read(`${folder}/package.json`)).exports?.[`.${specifier.slice(name.length)}`]
  const file = typeof exported === 'string' ? exported : (exported?.default ?? exported?.import)
  return file === undefined ? undefined : normalize(join(folder, file))
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
}

/** The package that a file is of. */
function manifestOf(path: string): Manifest {
  let folder = dirname(path)
  while (!existsSync(join(root, folder, 'package.json'))) folder = dirname(folder)
  return JSON.parse(read(`${folder}/package.json`))
}

/** Folders of our own packages by name. */
const workspaces = new Map(
  Object.entries(JSON.parse(read('package-lock.json')).packages as Record<string, { name?: string }>)
    .filter(([path]) => path !== '' && !path.includes('node_modules'))
    .map(([path]) => [JSON.parse(read(`${path}/package.json`)).name as string, path]),
)
