import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Where the declarations of these source folders are published. */
const FOLDERS = [
  { from: 'sdk/src', to: 'types' },
  { from: 'core/contract', to: 'types/contract' },
]

/** Writes the declarations, twice: `.d.ts` for ESM, `.d.cts` for CJS. Those of `core/contract` are shipped and
 *  imported by their path, for that package is not published. */
export async function declare(
  sdk: string,
  dist: string,
  entries: Readonly<Record<string, string>>,
): Promise<void> {
  const emitted = await mkdtemp(join(tmpdir(), 'syncproof-types-'))
  try {
    await run(process.execPath, [
      join(sdk, '../node_modules/typescript/bin/tsc'),
      ...['-p', join(sdk, 'tsconfig.build.json'), '--outDir', emitted],
    ])
    for (const { from, to } of FOLDERS) await publish(join(emitted, from), join(dist, to), dist)
  } finally {
    await rm(emitted, { recursive: true })
  }
  for (const [name, file] of Object.entries(entries)) {
    const target = `./types/${relative('src', file).replace(/\.ts$/, '')}`
    for (const [declared, code] of [
      ['d.ts', 'js'],
      ['d.cts', 'cjs'],
    ])
      await writeFile(
        join(dist, `${name}.${declared}`),
        `export * from ${JSON.stringify(`${target}.${code}`)}\n`,
      )
  }
}

async function publish(from: string, to: string, dist: string): Promise<void> {
  const files = await readdir(from, { recursive: true })
  for (const file of files.filter((name) => name.endsWith('.d.ts'))) {
    const text = await readFile(join(from, file), 'utf8')
    const target = join(to, file)
    const contract = relativeTo(dirname(target), join(dist, 'types/contract/index.ts'))
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, rewritten(text, contract, 'js'))
    await writeFile(target.replace(/\.ts$/, '.cts'), rewritten(text, contract, 'cjs'))
  }
}

/** TypeScript writes import specifiers as they are in the source. */
function rewritten(text: string, contract: string, extension: string): string {
  return text
    .replaceAll(/(['"])@syncproof\/core\/contract\1/g, `'${contract}'`)
    .replaceAll(
      /(['"])@syncproof\/core\/contract\/fields\1/g,
      `'${contract.replace('index.ts', 'more-fields.ts')}'`,
    )
    .replaceAll(/(from |import\()(['"])(\.{1,2}\/[^'"]+)\.ts\2/g, `$1'$3.${extension}'`)
}

function relativeTo(folder: string, file: string): string {
  const path = relative(folder, file).replaceAll('\\', '/')
  return path.startsWith('.') ? path : `./${path}`
}
