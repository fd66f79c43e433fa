import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join, matchesGlob } from 'node:path'
import { projectFiles, root } from '../../tools/tree/source-files.ts'

export const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8')

export interface Stage {
  readonly name: string
  /** The image or the stage that it begins with. */
  readonly from: string
  /** Its own instructions, each as `[name, rest]`. */
  readonly steps: readonly (readonly [string, string])[]
}

/** The stages of the Dockerfile. */
export const stages: readonly Stage[] = dockerfile.split(/^FROM /m).flatMap((text) => {
  const [, from = '', name] = /^(\S+) AS (\S+)$/m.exec(text) ?? []
  if (name === undefined) return []
  const steps = [...text.matchAll(/^([A-Z]+) (.+)$/gm)].map(
    ([, step = '', rest = '']) => [step, rest] as const,
  )
  return [{ name, from, steps }]
})

/** What a stage has, with all that it begins with. */
function stepsOf(target: string): readonly (readonly [string, string])[] {
  const stage = stages.find(({ name }) => name === target)
  return stage ? [...stepsOf(stage.from), ...stage.steps] : []
}

/** Files of the project that docker is given, by .dockerignore: the last line that fits decides. */
export function contextFiles(): readonly string[] {
  const lines = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  return projectFiles().filter((path) => {
    const decides = lines.findLast((line) => isWithin(path, line.replace(/^!/, '')))
    return decides === undefined || decides.startsWith('!')
  })
}

/** Files that a stage copies from the project: where they are, and where they are put. */
export function filesOf(target: string): ReadonlyMap<string, string> {
  const context = contextFiles()
  const copied = stepsOf(target)
    .filter(([step, words]) => step === 'COPY' && !words.startsWith('--from'))
    .flatMap(([, words]) => {
      const names = words.split(' ')
      const to = names.pop() ?? ''
      return names.flatMap((from) =>
        context
          .filter((path) => path === from || path.startsWith(`${from}/`))
          .map((path) => [path, placeOf(path, from, to)] as const),
      )
    })
  return new Map(copied)
}

/** The command of an image: its entrypoint, and what stands behind it. */
export function entrypointOf(target: string): readonly string[] {
  return JSON.parse(stepsOf(target).findLast(([step]) => step === 'ENTRYPOINT')?.[1] ?? '[]')
}

/** Makes in a folder what a stage has in /app. Of the packages of others it has those that are not there for development
 *  alone, by the lockfile; they are linked, and not installed. */
export function layOutImage(target: string, folder: string): void {
  for (const [from, to] of filesOf(target)) {
    mkdirSync(join(folder, dirname(to)), { recursive: true })
    cpSync(join(root, from), join(folder, to))
  }
  for (const [path, { dev = false, link = false, resolved = '' }] of lockedPackages()) {
    const source = link ? join(folder, resolved) : join(root, path)
    if (dev || !existsSync(source)) continue
    mkdirSync(join(folder, dirname(path)), { recursive: true })
    symlinkSync(source, join(folder, path))
  }
}

interface Locked {
  readonly dev?: boolean
  readonly link?: boolean
  readonly resolved?: string
  readonly dependencies?: Readonly<Record<string, string>>
}

/** Packages by their path, those within others left out. */
function lockedPackages(): readonly (readonly [string, Locked])[] {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  return (Object.entries(packages) as [string, Locked][]).filter(([path]) =>
    /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path),
  )
}

/** Whether a path, or a folder that it is in, fits a line of .dockerignore. */
function isWithin(path: string, line: string): boolean {
  const parts = path.split('/')
  return parts.some((_, index) => matchesGlob(parts.slice(0, index + 1).join('/'), line))
}

/** Of a folder COPY puts what is in it, of a file the file itself. */
function placeOf(path: string, from: string, to: string): string {
  const within = path === from ? '' : path.slice(from.length + 1)
  if (within !== '') return join(to, within)
  return to.endsWith('/') ? join(to, path.split('/').at(-1) ?? '') : to
}
