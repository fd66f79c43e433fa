import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
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
  const shown = relative(folder, path) || path
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
    if (error instanceof ConfigError) throw asUsageError(error, shown)
    const message = error instanceof Error ? error.message : String(error)
    throw new UsageError(`${shown}${lineIn(error, path)} cannot be loaded: ${message}`, undefined, {
      cause: error,
    })
  }
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
