export {
  boolean,
  decimal,
  defineFields,
  type EntityRef,
  type FieldRule,
  type FieldRules,
  type Guard,
  type Intent,
  ignore,
  instant,
  integer,
  json,
  map,
  type SyncTarget,
  text,
  type WriteAction,
} from '@syncproof/core/contract'
export { createSyncproof, type Syncproof } from './client.ts'
export type { EntityInput } from './entity.ts'
export type { ReadOptions, SyncOptions, WriteOptions } from './marks.ts'
export type { EntityOptions, EntityTypes, Invariant, SampledCall, SyncproofOptions } from './options.ts'
export type { Delivery } from './report/books.ts'
export type { SyncproofWarning } from './warnings.ts'
export type { AnyFunction, WrapOptions } from './wrap.ts'
