import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Config, ConfigError, validateConfig } from '@syncproof/connectors'
import { UsageError } from './command.ts'

export const CONFIG_FILE = 'syncproof.config.ts'

/** Loads and checks the configuration.
 *  @param file as the user gave it; undefined looks for syncproof.config.ts in the folder
 *  @returns undefined where no file was named and there is none
 *  @throws UsageError that names the file, the key and the mend */
export async function loadConfigFile(file: string | undefined, folder: string): Promise<Config | undefined> {
  const path = resolve(folder, file ?? CONFIG_FILE)
  const shown = file ?? CONFIG_FILE
  if (!existsSync(path)) {
    if (file === undefined) return undefined
    throw new UsageError(`There is no ${shown}.`, `Name the file with --config, or make one: ${CONFIG_FILE}.`)
  }
  const loaded = await importFile(path, shown)
  if (loaded.default === undefined) {
    throw new UsageError(
      `${shown} has no default export.`,
      'It must say `export default defineConfig({ pairs: { … } })`.',
    )
  }
  try {
    return validateConfig(loaded.default, shown)
  } catch (error) {
    throw asUsageError(error, shown)
  }
}

async function importFile(path: string, shown: string): Promise<{ readonly default?: unknown }> {
  try {
    return await import(pathToFileURL(path).href)
  } catch (error) {
    const place = `${shown}${lineIn(error, path)}`
    if (error instanceof ConfigError) throw asUsageError(error, place)
    const message = error instanceof Error ? error.message : String(error)
    throw new UsageError(`${place} cannot be loaded: ${message}`, mendOf(error), { cause: error })
  }
}

function mendOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') {
    return 'Install the package where the configuration is (`npm install …`), or mend the path that it imports.'
  }
  if (error instanceof SyntaxError || code === 'ERR_INVALID_TYPESCRIPT_SYNTAX') {
    return 'Mend it there. Types are stripped and not compiled: no enums, namespaces or parameter properties.'
  }
  return 'The file is run to be read, and this is what it threw: mend it there, or set what it needs.'
}

function asUsageError(error: unknown, shown: string): UsageError {
  if (!(error instanceof ConfigError)) throw error
  const message = error.message.includes(shown) ? error.message : `${shown}: ${error.message}`
  return new UsageError(message, undefined, { cause: error })
}

/** `:12`, where the error's stack names a line of the file. */
function lineIn(error: unknown, path: string): string {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  for (const place of [path, pathToFileURL(path).href]) {
    const after = stack.split(`${place}:`, 2)[1]
    const line = after === undefined ? undefined : /^\d+/.exec(after)?.[0]
    if (line !== undefined) return `:${line}`
  }
  return ''
}
