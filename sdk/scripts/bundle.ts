import { isBuiltin } from 'node:module'
import { isAbsolute, join } from 'node:path'
import { type RolldownOptions, rolldown } from 'rolldown'
import type { SourceManifest } from './manifest.ts'

/** Writes every subpath as ESM and as CJS, with what they share in chunks: within one format there is one copy of
 *  each module, and both formats share what must be one through `Symbol.for`. `core/contract` is bundled in. */
export async function bundle(
  sdk: string,
  dist: string,
  source: SourceManifest,
  entries: Readonly<Record<string, string>>,
): Promise<void> {
  const declared = Object.keys({ ...source.dependencies, ...source.peerDependencies })
  const options: RolldownOptions = {
    input: Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, join(sdk, file)])),
    external: (id) => isExternal(id, declared),
    platform: 'node',
    transform: { target: 'node20' },
  }
  const core = await staticModules({ ...options, input: join(sdk, entries.index ?? '') })
  const build = await rolldown(options)
  for (const [format, extension] of [
    ['esm', 'js'],
    ['cjs', 'cjs'],
  ] as const) {
    await build.write({
      dir: dist,
      format,
      entryFileNames: `[name].${extension}`,
      chunkFileNames: `chunks/[name].${extension}`,
      minify: true,
      comments: { annotation: false },
      sourcemap: true,
      // what every program loads is one file: split by who else needs it, it would be a dozen
      codeSplitting: { groups: [{ name: 'core', test: (id) => core.has(id) }] },
    })
  }
  await build.close()
}

/** The modules that are loaded with an entry, without those that it imports later. */
async function staticModules(options: RolldownOptions): Promise<ReadonlySet<string>> {
  const build = await rolldown(options)
  const { output } = await build.generate()
  await build.close()
  const chunks = output.filter((file) => file.type === 'chunk')
  const loaded = new Set(chunks.filter(({ isEntry }) => isEntry))
  for (const { imports } of loaded)
    for (const chunk of chunks) if (imports.includes(chunk.fileName)) loaded.add(chunk)
  return new Set([...loaded].flatMap(({ moduleIds }) => moduleIds))
}

/** Only our own code is bundled. Anything else that is not declared would be missing at the user's, or be
 *  published under somebody else's licence.
 *  @throws Error */
function isExternal(id: string, declared: readonly string[]): boolean {
  if (id.startsWith('.') || isAbsolute(id) || id.startsWith('@syncproof/core/contract')) return false
  if (isBuiltin(id) || declared.some((name) => id === name || id.startsWith(`${name}/`))) return true
  throw new Error(
    `the SDK imports '${id}', which its package.json does not declare as a peer or a dependency`,
  )
}
