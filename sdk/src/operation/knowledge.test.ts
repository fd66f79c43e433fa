import { describe, expect, it } from 'vitest'
import { Knowledge, type Lesson } from './knowledge.ts'

const lesson = (version: string, extra: Partial<Lesson> = {}): Lesson => ({
  operationId: 'a',
  sentOrder: 0,
  entityKey: 'e',
  version,
  fields: { f: version },
  ...extra,
})

describe('what was known of a row', () => {
  it('is what was learned before the statement was sent', () => {
    const knowledge = new Knowledge()
    knowledge.learn('row', lesson('v1'))
    const sentOrder = knowledge.clock()
    knowledge.learn('row', lesson('v2', { operationId: 'sibling' }))
    expect(knowledge.known('row', sentOrder, 'a')).toMatchObject({
      versions: ['v1'],
      base: { version: 'v1' },
    })
    expect(knowledge.known('row', knowledge.clock(), 'a')).toMatchObject({ versions: ['v1', 'v2'] })
  })

  it('holds what the same operation wrote at the same time', () => {
    const knowledge = new Knowledge()
    knowledge.learn('row', lesson('v1'))
    expect(knowledge.known('row', 0, 'a').versions).toEqual(['v1'])
    expect(knowledge.known('row', 0, 'other').versions).toEqual([])
  })

  it('keeps 32 versions, and then says that they are not all', () => {
    const knowledge = new Knowledge()
    for (let n = 1; n <= 32; n += 1) knowledge.learn('row', lesson(`v${n}`))
    expect(knowledge.known('row', 99, 'a')).toMatchObject({ incomplete: false })
    knowledge.learn('row', lesson('v33'))
    const known = knowledge.known('row', 99, 'a')
    expect(known.incomplete).toBe(true)
    expect(known.versions).toHaveLength(32)
    expect(known.versions).toContain('v33')
  })

  it('is incomplete for ever after an own write without an answer', () => {
    const knowledge = new Knowledge()
    knowledge.loseTrack('row')
    knowledge.learn('row', lesson('v1', { sentOrder: 1 }))
    expect(knowledge.known('row', 99, 'a').incomplete).toBe(true)
  })

  it('is incomplete after a write that may hide a version, until the row was read again', () => {
    const knowledge = new Knowledge()
    knowledge.learn('row', lesson('v1', { mayHideVersion: true }))
    const incomplete = () => knowledge.known('row', 99, 'a').incomplete
    expect(incomplete()).toBe(true)
    // sent before the write was answered: it may have seen the row before it
    knowledge.learn('row', lesson('v0', { sentOrder: 0 }))
    expect(incomplete()).toBe(true)
    // an old snapshot
    knowledge.learn('row', lesson('v0', { sentOrder: knowledge.clock(), isolation: 'repeatable read' }))
    expect(incomplete()).toBe(true)
    knowledge.learn('row', lesson('v2', { sentOrder: knowledge.clock() }))
    expect(incomplete()).toBe(false)
  })

  it('has no base after the write that made it was undone', () => {
    const knowledge = new Knowledge()
    knowledge.learn('row', lesson('v1'))
    knowledge.forgetFields('row', 'a', 'e')
    expect(knowledge.known('row', 99, 'a')).toMatchObject({ versions: ['v1'], base: undefined })
  })

  it('is what it was, after a write that told the app nothing was undone', () => {
    const knowledge = new Knowledge()
    knowledge.learn('row', lesson('v1'))
    knowledge.learn('row', lesson('v2'))
    knowledge.forgetFields('row', 'a', 'e', 'v2')
    const known = knowledge.known('row', 99, 'a')
    expect(known).toMatchObject({ versions: ['v1', 'v2'], base: { version: 'v1' } })
  })

  it('has no base where the app has read what was undone', () => {
    const knowledge = new Knowledge()
    for (const version of ['v1', 'v2', 'v2']) knowledge.learn('row', lesson(version))
    knowledge.forgetFields('row', 'a', 'e', 'v2')
    expect(knowledge.known('row', 99, 'a')).toMatchObject({ versions: ['v1', 'v2'], base: undefined })
  })

  it('grows no further than its bounds, and then says so', () => {
    const knowledge = new Knowledge()
    for (let n = 0; n < 3_000; n += 1) knowledge.learn(`row${n}`, lesson('v'))
    expect(knowledge.known('row0', 99_999, 'a').incomplete).toBe(false)
    expect(knowledge.known('row2999', 99_999, 'a')).toMatchObject({ versions: [], incomplete: true })
    for (let n = 0; n < 3_000; n += 1) knowledge.ownTransaction(`${n}`, 'a')
    expect(knowledge.known('row0', 99_999, 'a').incomplete).toBe(true)
  })
})
