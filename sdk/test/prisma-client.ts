import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const home = join(dirname(fileURLToPath(import.meta.url)), 'prisma')

export interface GeneratedClient {
  /** A folder with the client (`client/client.ts`) and the type test beside it. */
  readonly folder: string
  remove(): Promise<void>
}

/** Generates a Prisma client of `prisma/schema.prisma`, into a folder of its own. Nothing is downloaded:
 *  generating needs no engine, but Prisma looks for its schema engine, so it is told of a program that it never starts. */
export async function generateClient(): Promise<GeneratedClient> {
  const folder = await mkdtemp(join(home, '.generated-'))
  await copyFile(join(home, 'schema.prisma'), join(folder, 'schema.prisma'))
  await copyFile(join(home, 'types.mts'), join(folder, 'types.mts'))
  const prisma = createRequire(import.meta.url).resolve('prisma/build/index.js')
  await promisify(execFile)(
    process.execPath,
    [prisma, 'generate', '--schema', join(folder, 'schema.prisma')],
    {
      cwd: folder,
      env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' },
    },
  )
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}
