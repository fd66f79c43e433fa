import { describe, expect, it } from 'vitest'
import { readRecord } from './record-text.ts'

const asText = (text: string) => text
const read = (text: string, count: number) => {
  const names = Array.from({ length: count }, (_, index) => `c${index}`)
  const record = readRecord(
    text,
    names,
    names.map(() => asText),
  )
  return record && Object.values(record)
}

describe('the text of a record', () => {
  it('is read into what each column alone would be', () => {
    expect(read('(c1,Ann,7)', 3)).toEqual(['c1', 'Ann', '7'])
    expect(read('(c1,"",)', 3)).toEqual(['c1', '', null])
    expect(read('(,)', 2)).toEqual([null, null])
    expect(read('()', 1)).toEqual([null])
    expect(read('("2026-01-01 00:00:00+00","a,b","(x)")', 3)).toEqual([
      '2026-01-01 00:00:00+00',
      'a,b',
      '(x)',
    ])
    expect(read('("say ""no""","\\\\x01","""")', 3)).toEqual(['say "no"', '\\x01', '"'])
    expect(read('("{""k"": ""a\\\\""b""}")', 1)).toEqual(['{"k": "a\\"b"}'])
  })

  it('goes through the parsers of the columns, nulls apart', () => {
    expect(readRecord('(7,,x)', ['a', 'b', 'c'], [Number, Number, asText])).toEqual({ a: 7, b: null, c: 'x' })
  })

  it('that is not of these columns is no record', () => {
    expect(read('(c1,Ann)', 3)).toBeUndefined()
    expect(read('(c1,Ann,7,8)', 3)).toBeUndefined()
    expect(read('c1,Ann,7', 3)).toBeUndefined()
    expect(read('(c1,Ann,"7)', 3)).toBeUndefined()
    expect(read('', 0)).toBeUndefined()
    expect(readRecord('(c1)', ['a'], undefined)).toBeUndefined()
  })

  it('in which a column cannot be read is no record', () => {
    const fail = () => {
      throw new Error('of the app')
    }
    expect(readRecord('(c1,x)', ['a', 'b'], [asText, fail])).toBeUndefined()
  })
})
