import type { SourceSpec } from '@syncproof/core/comparison'
import { ConfigError } from '../config-error.ts'
import { parseDuration } from '../duration.ts'
import { checkMembers, isPlainObject, kindOf, type MemberRule, required, someText } from '../members.ts'
import { type RecordOptions, recordMembers, shapeOf } from '../records.ts'
import { SingerSource } from './source.ts'

export interface SingerOptions extends Omit<RecordOptions, 'key'> {
  /** The tap and its arguments, without a shell: `['tap-hubspot']`. `--config` and `--catalog` are added. */
  readonly command: readonly string[]
  /** What the tap reads from `--config`: written to a file that only this user may read, and removed. */
  readonly config?: Readonly<Record<string, unknown>>
  /** The same for `--catalog`, with the stream selected in full. */
  readonly catalog?: Readonly<Record<string, unknown>>
  /** Which of its streams. */
  readonly stream: string
  /** Default: the tap's own `key_properties`. */
  readonly key?: RecordOptions['key']
  /** The tap is given up when it says nothing for so long. Default 10m. */
  readonly timeout?: string
}

const TIMEOUT_DEFAULT = '10m'

/** Records of a system for which there is a Singer tap. The tap runs as a process of its own, from the beginning and in
 *  full: no state is passed on, because only then its end means that this was all. It cannot be asked for one record: what
 *  differs stays undecided, unless the pair can read it otherwise.
 *  @throws ConfigError for options that are missing, unknown or of the wrong type */
export function singer(options: SingerOptions): SourceSpec {
  checkMembers(options, 'singer', members, (path, detail) => new ConfigError(path, detail))
  const { command, config, catalog, stream, key } = options
  return {
    kind: 'singer',
    description: `singer ${stream}`,
    open: () =>
      new SingerSource({
        ...{ command, config, catalog, stream },
        shape: (keyProperties) => {
          const keys = key ?? keyProperties
          return keys.length === 0 ? undefined : shapeOf({ ...options, key: keys })
        },
        timeoutMs: parseDuration(options.timeout ?? TIMEOUT_DEFAULT),
      }),
  }
}

const command: MemberRule = {
  check: (value) =>
    Array.isArray(value) && value.length > 0 && value.every((part) => typeof part === 'string' && part !== '')
      ? undefined
      : `must be a list of texts, as in ['tap-hubspot'], not ${kindOf(value)}.`,
}

const anObject: MemberRule = {
  check: (value) => (isPlainObject(value) ? undefined : `must be an object, not ${kindOf(value)}.`),
}

const duration: MemberRule = {
  check(value) {
    if (typeof value !== 'string') return `must be text, not ${kindOf(value)}.`
    try {
      return parseDuration(value) > 0 ? undefined : 'must be more than nothing.'
    } catch (error) {
      if (error instanceof ConfigError) return error.detail
      throw error
    }
  },
}

const { key, ...others } = recordMembers

const members: Readonly<Record<keyof SingerOptions, MemberRule>> = {
  ...others,
  command: required(command),
  config: anObject,
  catalog: anObject,
  stream: required(someText),
  key: { check: key.check },
  timeout: duration,
}
