import { entityKey, NO_ROW, type StoredEvent } from '../contract/index.ts'
import { committedOf, eventsOf, isCommitted, type StoredOf, sameEntity, turnTo } from './events.ts'
import { excludes } from './held-sections.ts'
import type { NeighbourHistory } from './history.ts'
import { limits } from './limits.ts'

/** Some findings are about two operations that never met in one history. A link is a text that the events of both
 *  name: a version of a row, a section of an entity, a key that should be created once. The store keeps the links of
 *  each event before it judges it and finds the other events by equality alone, so an operation is judged with the
 *  same few others however old its entity is. Whichever of two operations is judged last sees the other one.
 *
 *  A link that two things share by accident costs a look: detectors compare what they claim by themselves. */

/** The links under which an event is found; none for most kinds.
 *  @param event as stored: a wrong one has none */
export function linksOf(event: StoredEvent): readonly string[] {
  switch (event.kind) {
    case 'write':
      return isCommitted(event) ? versionLinks(versionsOf(event)) : []
    case 'sync': {
      if (event.outcome !== 'ok') return []
      const links = event.version === undefined ? [] : [versionLink(event.version)]
      if (isKeyedCreate(event)) links.push(createLink(event))
      if (event.on_behalf_of !== undefined) links.push(deliveryLink(event.on_behalf_of))
      return links
    }
    case 'operation_started':
      return isDelivered(event) ? [deliveryLink(event.operation_id)] : []
    case 'section_left':
      return excludes(event.protection) ? [sectionLink(event)] : []
    default:
      return []
  }
}

/** The links by which the neighbours of an operation are found: those of its own events at hop 1; from hop 2 to
 *  `limits.hopsMax`, for each neighbour, those that follow its row to older and newer versions. */
export function linksWanted({ events }: Pick<NeighbourHistory, 'events'>, hop: number): readonly string[] {
  // neighbours are asked about again and again
  if (hop === 1) turnTo(events)
  const writes = committedOf(events)
  const syncs = acknowledged(eventsOf(events, 'sync'))
  const tokens: (string | undefined)[] = []
  for (const { version } of syncs) tokens.push(version)
  // a version that was never meant for another system is never sent out of order
  if (hop > 1 || syncs.length > 0 || isDue(events))
    for (const { version, overwritten_version } of writes) tokens.push(version, overwritten_version)
  const deliveries = deliveriesOf(events, syncs)
  if (hop > 1) return [...versionLinks(tokens), ...deliveries]
  for (const write of writes) if (isBlind(write)) tokens.push(write.base_version)
  for (const { version } of skewReads(events, writes)) tokens.push(version)
  const others = [...deliveries]
  for (const sync of syncs) if (isKeyedCreate(sync)) others.push(createLink(sync))
  for (const left of eventsOf(events, 'section_left')) others.push(...linksOf(left))
  return [...versionLinks(tokens), ...unique(others)]
}

/** Those that join an operation and whoever sends what it wrote for it. */
function deliveriesOf(events: readonly StoredEvent[], syncs: readonly StoredOf<'sync'>[]): readonly string[] {
  const links: string[] = []
  for (const start of eventsOf(events, 'operation_started'))
    if (isDelivered(start)) links.push(deliveryLink(start.operation_id))
  for (const { on_behalf_of } of syncs) if (on_behalf_of !== undefined) links.push(deliveryLink(on_behalf_of))
  return links
}

function acknowledged(syncs: readonly StoredOf<'sync'>[]): readonly StoredOf<'sync'>[] {
  const isAcknowledged = ({ outcome }: StoredOf<'sync'>) => outcome === 'ok'
  return syncs.every(isAcknowledged) ? syncs : syncs.filter(isAcknowledged)
}

/** An outbox, or another process, sends what it wrote. */
function isDelivered({ syncs }: StoredOf<'operation_started'>): boolean {
  return syncs?.some((target) => target.async === true) === true
}

function isDue(events: readonly StoredEvent[]): boolean {
  return (eventsOf(events, 'operation_started')[0]?.syncs?.length ?? 0) > 0
}

/** Reads of rows that the operation did not write itself: half of a write skew. */
export function skewReads(
  events: readonly StoredEvent[],
  committed: readonly StoredOf<'write'>[],
): readonly StoredOf<'read'>[] {
  if (committed.length === 0) return []
  return eventsOf(events, 'read')
    .filter(
      (read) =>
        read.version !== undefined &&
        read.transaction !== undefined &&
        committed.every((write) => !sameEntity(write.entity, read.entity)),
    )
    .slice(0, limits.skewReadsMax)
}

/** A write that knows what it came from and not what it replaced, as marks by hand report it. */
export function isBlind(write: StoredOf<'write'>): boolean {
  return write.overwritten_version === undefined && write.base_version !== undefined
}

/** A create whose key the other system should hold once. */
export function isKeyedCreate(sync: StoredOf<'sync'>): boolean {
  return sync.action === 'create' && sync.unique_key !== undefined && sync.external_id !== undefined
}

function versionsOf(write: StoredOf<'write'>): readonly (string | undefined)[] {
  const base = isBlind(write) ? write.base_version : undefined
  return [write.version, write.overwritten_version, base]
}

function versionLinks(tokens: readonly (string | undefined)[]): string[] {
  const links: string[] = []
  for (const token of unique(tokens))
    if (token !== undefined && token !== NO_ROW) links.push(versionLink(token))
  return links
}

export function versionLink(token: string): string {
  return `version:${token}`
}

function createLink({ system, unique_key }: StoredOf<'sync'>): string {
  return `create:${system.length}:${system}:${unique_key}`
}

function deliveryLink(operationId: string): string {
  return `delivery:${operationId}`
}

function sectionLink({ name, entity }: StoredOf<'section_left'>): string {
  return `section:${name.length}:${name}:${entityKey(entity)}`
}

/** Looking through a few costs less than a set of them. */
const FEW = 8

function unique<T>(items: readonly T[]): readonly T[] {
  if (items.length > FEW) return [...new Set(items)]
  const found: T[] = []
  for (const item of items) if (!found.includes(item)) found.push(item)
  return found
}
