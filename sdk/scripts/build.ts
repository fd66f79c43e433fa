/** Writes what is published into `dist`, ready for `npm publish sdk/dist`, or into the new folder that is named.
 *  In the workspace everything runs from `src`: nothing but the tests of the package needs a build. */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { bundle } from './bundle.ts'
import { declare } from './declare.ts'
import { outputName, publishedManifest, type SourceManifest } from './manifest.ts'

const sdk = join(import.meta.dirname, '..')
const [, , named] = process.argv
const dist = named === undefined ? join(sdk, 'dist') : resolve(named)

const source = JSON.parse(await readFile(join(sdk, 'package.json'), 'utf8')) as SourceManifest
const entries = Object.fromEntries(
  Object.entries(source.exports).map(([subpath, file]) => [outputName(subpath), file]),
)
if (named === undefined) await rm(dist, { recursive: true, force: true })
await mkdir(dist, { recursive: true })
await bundle(sdk, dist, source, entries)
await declare(sdk, dist, entries)
await writeFile(join(dist, 'package.json'), `${JSON.stringify(publishedManifest(source), null, 2)}\n`)
await cp(join(sdk, 'package.md'), join(dist, 'README.md'))
await cp(join(sdk, '..', 'LICENSE'), join(dist, 'LICENSE'))
