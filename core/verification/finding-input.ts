import type { Cause, EntityRef } from '../contract/index.ts'

/** What a finding says of itself, with the shapes that the contract gives it; its witness is looked at later. */
export interface FindingInput {
  readonly id: string
  readonly kind: string
  readonly verdict: string
  readonly reason?: string | undefined
  readonly entity?: EntityRef | undefined
  readonly fields: readonly string[]
  readonly severity?: unknown
  readonly cause: Cause
  readonly occurred_at: string
  readonly details: Readonly<Record<string, unknown>>
  readonly witness?: unknown
}

/** @returns the finding, or what is wrong with it, as the rest of a sentence */
export function readFinding(value: unknown): FindingInput | string {
  if (!isRecord(value)) return 'it is no object'
  const { id, kind, verdict, reason, entity, fields, cause, occurred_at, details } = value
  for (const [name, text] of Object.entries({ id, kind, verdict, occurred_at }))
    if (typeof text !== 'string') return `its ${name} is no text`
  if (!isOptionalText(reason)) return 'its reason is no text'
  if (entity !== undefined && !isEntity(entity)) return 'its entity is no type and id'
  if (!Array.isArray(fields) || fields.some((field) => typeof field !== 'string'))
    return 'its fields are no list of names'
  if (!isRecord(cause) || !Object.values(cause).every(isOptionalText)) return 'its cause is no texts by name'
  return isRecord(details) ? (value as unknown as FindingInput) : 'its details are no object'
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isEntity(value: unknown): value is EntityRef {
  return isRecord(value) && typeof value.type === 'string' && typeof value.id === 'string'
}

function isOptionalText(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}
