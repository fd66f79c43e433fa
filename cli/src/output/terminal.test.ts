import { describe, expect, it } from 'vitest'
import { createTerminal, json } from './terminal.ts'

function streams(isTTY: boolean) {
  const written: string[] = []
  const stream = { write: (text: string) => written.push(text), isTTY, columns: 50 }
  return { written, stream }
}

describe('terminal', () => {
  it('colours on a terminal only, and never with NO_COLOR', () => {
    const painted = (isTTY: boolean, env: Record<string, string>) => {
      const { stream } = streams(isTTY)
      return createTerminal(stream, stream, env).paint('red', 'x')
    }
    expect(painted(true, {})).toBe('\u001b[31mx\u001b[39m')
    expect(painted(true, { NO_COLOR: '' })).toBe('\u001b[31mx\u001b[39m')
    expect(painted(true, { NO_COLOR: '1' })).toBe('x')
    expect(painted(true, { TERM: 'dumb' })).toBe('x')
    expect(painted(false, {})).toBe('x')
  })

  it('keeps data on stdout and talk on stderr', () => {
    const out = streams(false)
    const err = streams(true)
    const terminal = createTerminal(out.stream, err.stream, {})
    terminal.data('data')
    terminal.say('talk')
    expect(out.written).toEqual(['data\n'])
    expect(err.written).toEqual(['talk\n'])
    expect(terminal.columns).toBe(Number.POSITIVE_INFINITY)
    expect(terminal.talkColumns).toBe(50)
  })

  it('prints JSON that no terminal obeys and every parser reads back the same', () => {
    const value = { name: 'a\u001b[31m\u009b31m\u007f\u202e' }
    expect(json(value)).toBe('{"name":"a\\u001b[31m\\u009b31m\\u007f\\u202e"}')
    expect(JSON.parse(json(value))).toEqual(value)
  })
})
