import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { flow } from './flow.ts'
import { displayWidth, printable } from './text.ts'

const plain = (_style: string, text: string) => text

describe('parts set one after the other', () => {
  it('move to the next line as a whole, and break only where they are longer than a line', () => {
    const layout = { columns: 24, paint: plain, indent: 0, hanging: 2 }
    expect(flow([{ text: 'proven' }, { text: '' }, { text: 'lost-update' }], layout)).toEqual([
      'proven  lost-update',
    ])
    expect(flow([{ text: 'proven' }, { text: 'a part that does not fit' }], layout)).toEqual([
      'proven',
      '  a part that does not',
      '  fit',
    ])
  })

  it('colours each line of a part by itself, so that colour never reaches the indent', () => {
    const paint = (_style: string, text: string) => `<${text}>`
    expect(
      flow([{ text: 'words that wrap over', style: 'red' }], { columns: 18, paint, indent: 2, hanging: 2 }),
    ).toEqual(['  <words that wrap>', '  <over>'])
  })

  it('never print a line wider than the terminal', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' })),
        fc.integer({ min: 24, max: 120 }),
        fc.integer({ min: 0, max: 4 }),
        (texts, columns, hanging) => {
          const parts = texts.map((text) => ({ text: printable(text) }))
          const lines = flow(parts, { columns, paint: plain, indent: 2, hanging })
          expect(lines.filter((line) => displayWidth(line) > columns)).toEqual([])
        },
      ),
    )
  })
})
