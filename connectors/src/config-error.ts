/** What is wrong in a configuration, where, and how to mend it. The message is for people and holds no secrets. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  /** `pairs.candidate.every`; undefined where the whole configuration is meant. */
  readonly path: string | undefined
  readonly detail: string

  /** @param file the configuration's file, where it is known at this point */
  constructor(path: string | undefined, detail: string, file?: string) {
    super([file, path, detail].filter((part) => part !== undefined).join(': '))
    this.path = path
    this.detail = detail
  }
}
