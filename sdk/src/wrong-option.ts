import type { EntityOptions, SyncproofOptions } from './options.ts'

const isText = (value: unknown) => typeof value === 'string'
const isFunction = (value: unknown) => typeof value === 'function'
const isCount = (value: unknown) =>
  typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY
const isShare = (value: unknown) => typeof value === 'number' && value >= 0 && value <= 1
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

type Check = readonly [isRight: (value: unknown) => boolean, expected: string]
type Checks<T> = Readonly<Record<keyof T, Check>>

const text: Check = [isText, 'a string']
const count: Check = [isCount, 'a number, 0 or more']
const callback: Check = [isFunction, 'a function']

const OPTIONS: Checks<SyncproofOptions> = {
  service: [(value) => isText(value) && value !== '', 'the name of this program'],
  release: text,
  url: text,
  apiKey: text,
  fingerprintKey: text,
  entities: [isObject, 'an object, by entity type'],
  flushIntervalMs: count,
  queueBytesMax: count,
  requestTimeoutMs: count,
  flushTimeoutMs: count,
  exitTimeoutMs: count,
  heartbeatIntervalMs: count,
  sampleRate: [(value) => isShare(value) || isFunction(value), 'a number from 0 to 1, or a function'],
  spoolDir: text,
  waitUntil: callback,
  spanAttributes: [(value) => typeof value === 'boolean', 'true or false'],
  onWarning: callback,
}

const ENTITY: Checks<EntityOptions> = {
  fields: [(value) => isObject(value) && Object.values(value).every(isRule), 'rules made by `defineFields`'],
  invariants: [(value) => isObject(value) && Object.values(value).every(isFunction), 'functions, by name'],
  table: text,
  key: text,
  entityId: [(value) => value === 'hashed', "'hashed', or left out"],
}

/** What is wrong with the options of `createSyncproof`, as a sentence; undefined where nothing is. */
export function wrongOption(options: unknown): string | undefined {
  if (!isObject(options)) return 'createSyncproof: options are missing; it needs `{ service }`'
  const wrong = wrongMember(options, OPTIONS, '')
  if (wrong) return wrong
  const { entities = {} } = options as Partial<SyncproofOptions>
  for (const [type, entity] of Object.entries(entities)) {
    const path = `entities.${type}`
    if (!isObject(entity)) return `createSyncproof: \`${path}\` must be an object`
    const wrongInside = wrongMember(entity, ENTITY, `${path}.`)
    if (wrongInside) return wrongInside
  }
  return undefined
}

function wrongMember(
  object: object,
  checks: Readonly<Record<string, Check>>,
  path: string,
): string | undefined {
  for (const [name, value] of Object.entries(object)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined
    if (!check)
      return `createSyncproof: \`${path}${name}\` is no option; there are ${Object.keys(checks).join(', ')}`
    const [isRight, expected] = check
    if (value !== undefined && !isRight(value))
      return `createSyncproof: \`${path}${name}\` must be ${expected}`
  }
  return undefined
}

function isRule(rule: unknown): boolean {
  return isObject(rule) && 'canonical' in rule && isFunction(rule.canonical)
}
