import { describe, expect, it } from 'vitest'
import { decimal, type FieldRule, instant, integer, text } from './fields.ts'
import { date, list, set, truth, within } from './more-fields.ts'

const same = (rule: FieldRule, ...values: readonly unknown[]) => {
  const [first] = values
  expect(rule.canonical(first)).toBeDefined()
  for (const value of values) expect([value, rule.canonical(value)]).toEqual([value, rule.canonical(first)])
}
const different = (rule: FieldRule, a: unknown, b: unknown) => {
  expect(rule.canonical(a)).toBeDefined()
  expect(rule.canonical(a)).not.toBe(rule.canonical(b))
}
const unreadable = (rule: FieldRule, ...values: readonly unknown[]) => {
  for (const value of values) expect([value, rule.canonical(value)]).toEqual([value, undefined])
}

describe('a day', () => {
  it('is the same however its system spells it', () => {
    same(date(), '2024-02-29')
    same(date({ format: 'YYYYMMDD' }), '20240229', '2024-02-29')
    same(date({ format: 'DD.MM.YYYY' }), '29.02.2024', '2024-02-29')
    same(date({ format: 'MM/DD/YYYY' }), '02/29/2024', '2024-02-29')
    expect(date({ format: 'DD/MM/YYYY' }).canonical('01/02/2024')).toBe(date().canonical('2024-02-01'))
    different(date(), '2024-02-28', '2024-02-29')
  })

  it('is no day that the calendar does not have, and no instant unless UTC is meant', () => {
    unreadable(date(), '2023-02-29', '2024-2-1', '20240201', '2024-02-01T00:00:00Z', new Date(0), 5)
    const utc = date({ utc: true })
    same(
      utc,
      '2024-02-01',
      '2024-02-01T23:59:59.999Z',
      '2024-02-01 10:00:00+00',
      new Date('2024-02-01T05:00:00Z'),
    )
    unreadable(utc, '2024-02-01T10:00:00+02:00', '2024-02-01T10:00:00')
  })
})

it('an instant is rounded where that is declared, and cut off otherwise', () => {
  const up = instant({ precision: 's', rounding: 'half-up' })
  same(up, '2026-01-01T00:00:01Z', '2026-01-01T00:00:00.5Z', '2026-01-01T00:00:01.499999Z')
  same(instant({ precision: 's' }), '2026-01-01T00:00:00Z', '2026-01-01T00:00:00.999Z')
  same(up, '1969-12-31T23:59:59Z', '1969-12-31T23:59:58.5Z')
})

it('a truth value goes by the names that are declared', () => {
  const rule = truth({ trueIs: ['1', 'yes'], falseIs: ['0', 'no'] })
  same(rule, true, 'yes', '1', 1)
  same(rule, false, 'no', 0)
  different(rule, 'yes', 'no')
  unreadable(rule, 'maybe', 2, {})
})

describe('a list', () => {
  it('is compared in its order, or as a set', () => {
    different(list(text()), ['a', 'b'], ['b', 'a'])
    different(list(text()), ['ab'], ['a', 'b'])
    same(set(text({ case: 'lower' })), ['a', 'B'], ['b', 'A', 'a'])
    different(set(integer()), [1, 2], [1, 3])
    same(list(integer()), [1, 2], ['1', '2'])
    different(set(text()), [], null)
  })

  it('with an item that cannot be read cannot be read', () => {
    unreadable(list(integer()), [1, 'x'], 'a', { 0: 'a' })
    unreadable(set(text()), [1])
  })
})

describe('numbers within a tolerance', () => {
  const cents = within('0.01', decimal({ scale: 4 }))

  it('agree up to it, and not past it, with every digit', () => {
    expect(cents.agrees?.('1.00', '1.01')).toBe(true)
    expect(cents.agrees?.('1.00', '1.0101')).toBe(false)
    expect(cents.agrees?.(-0.005, '0.005')).toBe(true)
    expect(cents.agrees?.('9007199254740993.01', '9007199254740993.03')).toBe(false)
    expect(cents.agrees?.('1', null)).toBe(false)
    expect(cents.agrees?.('1.00001', '1')).toBe(false)
  })

  it('have the fingerprints of their rule, as another version', () => {
    const plain = decimal({ scale: 4 })
    expect(cents.canonical('1.50')).toBe(plain.canonical('1.5'))
    expect(cents.id).not.toBe(plain.id)
    expect(within('0.010', plain).id).toBe(cents.id)
    expect(within('0.02', plain).id).not.toBe(cents.id)
    for (const wrong of ['0', '-1', 'x']) expect(() => within(wrong, plain)).toThrow(/is no tolerance/)
  })
})

it('rules have versions that change with what they mean, and with nothing else', () => {
  const rules = [
    date(),
    date({ utc: true }),
    date({ format: 'YYYYMMDD' }),
    instant({ precision: 's' }),
    instant({ precision: 's', rounding: 'half-up' }),
    list(text()),
    list(text({ trim: true })),
    set(text()),
    truth({ trueIs: ['1'], falseIs: [] }),
    truth({ trueIs: ['2'], falseIs: [] }),
  ]
  expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length)
  expect(date({}).id).toBe('day')
  expect(list(text()).id).toBe(list(text({})).id)
  // what fingerprints in stores are made by
  expect([text().id, instant().id, decimal({ scale: 2 }).id]).toMatchInlineSnapshot(`
    [
      "5bdf4bb1",
      "39e9e59f",
      "51a668be",
    ]
  `)
})
