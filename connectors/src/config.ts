import type { PairConfig } from '@syncproof/core/comparison'

export interface Config {
  readonly pairs: Readonly<Record<string, PairConfig>>
}

/** What is wrong in a configuration, where, and how to mend it; the message is for people. */
export declare class ConfigError extends Error {
  /** `pairs.candidate.every`; absent where the whole file is meant. */
  readonly path: string | undefined
}
/** Types the configuration; it is checked when it is loaded. */
export declare function defineConfig(config: Config): Config
/** An environment variable that must be set. @throws ConfigError where it is unset or empty */
export declare function env(name: string): string
/** Milliseconds of `500ms`, `2s`, `15m`, `2h`, `1d`. @throws ConfigError for other text */
export declare function parseDuration(text: string): number
/** @param file named in messages. @throws ConfigError for the first thing that is wrong */
export declare function validateConfig(config: unknown, file: string): Config
