import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '../..')

/** Paths of the files that belong to the project, from its root: tracked by git or about to be. */
export function projectFiles(): readonly string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
  return listed.split('\n').filter((path) => path !== '' && existsSync(join(root, path)))
}

export function readProjectFile(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** What a file imports, as written. Good enough for this house: imports here are plain ES ones. */
export function importsOf(source: string): readonly string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  const found = code.matchAll(/(?:\bfrom|(?<!\|)\bimport)\s*\(?\s*'([^'\n]+)'/g)
  return [...found].map((match) => match[1] ?? '')
}
