import { describe, expect, it } from 'vitest'
import { presentRecord, readModels } from './models.ts'

const field = (name: string, type: string, extra: object = {}) => ({ name, type, kind: 'scalar', ...extra })
const client = {
  _runtimeDataModel: {
    models: {
      Candidate: {
        dbName: 'candidates',
        fields: [
          field('id', 'String'),
          field('updatedAt', 'DateTime', { dbName: 'updated_at' }),
          field('at', 'DateTime'),
          field('tags', 'Json'),
          field('big', 'BigInt'),
          field('salary', 'Decimal'),
          field('stage', 'Stage', { kind: 'enum' }),
          field('notes', 'Note', { kind: 'object' }),
        ],
      },
    },
    enums: { Stage: { values: [{ name: 'NEW', dbName: 'new' }, { name: 'HIRED' }] } },
  },
}

describe('a row is told in the words of the schema', () => {
  const model = readModels(client).get('candidates')

  it('fields have their names and the kind of values that the app sees', () => {
    expect(
      presentRecord(model, {
        id: 'c1',
        updated_at: '2026-01-02 03:04:05.678+00',
        at: '2026-01-02',
        tags: '{"a":[1]}',
        big: '9007199254740993',
        salary: '10.50',
        stage: 'new',
        other: 'x',
      }),
    ).toEqual({
      id: 'c1',
      updatedAt: new Date('2026-01-02T03:04:05.678Z'),
      at: new Date('2026-01-02T00:00:00Z'),
      tags: { a: [1] },
      big: 9007199254740993n,
      salary: '10.5',
      stage: 'NEW',
      other: 'x',
    })
  })

  it('times without a zone are UTC, and a name that the enum does not map stays', () => {
    expect(presentRecord(model, { at: '2026-01-02T03:04:05', stage: 'HIRED' })).toEqual({
      at: new Date('2026-01-02T03:04:05Z'),
      stage: 'HIRED',
    })
    expect(presentRecord(model, { at: '03:04:05' })).toEqual({ at: new Date('1970-01-01T03:04:05Z') })
  })

  it('null stays null, lists go item by item, text that is no JSON stays', () => {
    expect(presentRecord(model, { at: null, big: ['1', '2'], tags: '{' })).toEqual({
      at: null,
      big: [1n, 2n],
      tags: '{',
    })
  })

  it('a client that tells nothing gives no models, and rows stay as they are', () => {
    expect(readModels({}).size).toBe(0)
    expect(presentRecord(undefined, { a: 1 })).toEqual({ a: 1 })
  })
})
