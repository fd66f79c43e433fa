import { readFileSync } from 'node:fs'
import { registerHooks, stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Judge } from '../../core/detection/testing/assemble.ts'
import type { Mutant } from './conditions.ts'

const root = join(import.meta.dirname, '../..')
const detection = pathToFileURL(join(root, 'core/detection/')).href
const QUERY = '?mutant='

/** Loads core/detection anew with one condition deleted, in memory: no file changes, and what is loaded stays as it is.
 *  Only for a process that ends soon, because a module that was loaded is never let go. */
export async function loadMutant(mutant: Mutant): Promise<Judge> {
  const number = mutants.push(mutant) - 1
  const judge = await import(`${detection}index.ts${QUERY}${number}`)
  return judge as Judge
}

const mutants: Mutant[] = []
const stripped = new Map<string, string>()

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context)
    const query = context.parentURL?.split(QUERY)[1]
    const isOwn = resolved.url.startsWith(detection) && !resolved.url.includes(QUERY)
    return query !== undefined && isOwn ? { ...resolved, url: `${resolved.url}${QUERY}${query}` } : resolved
  },
  load(url, context, next) {
    const [path = '', number] = url.split(QUERY)
    const mutant = number === undefined ? undefined : mutants[Number(number)]
    if (!mutant) return next(url, context)
    return { format: 'module', source: sourceOf(path, mutant), shortCircuit: true }
  },
})

function sourceOf(url: string, mutant: Mutant): string {
  const path = fileURLToPath(url)
  if (path === join(root, mutant.file)) {
    const source = readFileSync(path, 'utf8')
    return stripTypeScriptTypes(source.slice(0, mutant.start) + mutant.replacement + source.slice(mutant.end))
  }
  const source = stripped.get(path) ?? stripTypeScriptTypes(readFileSync(path, 'utf8'))
  stripped.set(path, source)
  return source
}
