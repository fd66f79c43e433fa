import { describe, expect, it } from 'vitest'
import { type CommandContext, UsageError } from './command.ts'
import { readCommandLine } from './command-line.ts'
import { commands } from './commands.ts'
import { createTerminal } from './output/terminal.ts'
import { choiceSetting, portSetting, textSetting, urlSetting, withoutPassword } from './settings.ts'

const read = (...words: string[]) => readCommandLine(words, commands)

function problem(...words: string[]): string {
  try {
    read(...words)
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  return 'no problem'
}

function context(words: string[], env: Record<string, string> = {}): CommandContext {
  const nowhere = { write: () => true }
  return { ...read(...words), env, folder: '/', terminal: createTerminal(nowhere, nowhere, env) }
}

describe('command line', () => {
  it('reads commands, options and arguments', () => {
    expect(read('reconcile', 'candidate', '--keys', 'a,b', '--no-wait')).toMatchObject({
      command: { name: 'reconcile' },
      positionals: ['candidate'],
      options: { keys: 'a,b', wait: false },
    })
    expect(read('dev', '--port=0', '--ephemeral').options).toMatchObject({ port: '0', ephemeral: true })
  })

  it('helps when asked in any of the usual ways', () => {
    for (const words of [[], ['help'], ['--help'], ['-h']]) expect(read(...words).command.name).toBe('help')
    expect(read('explain', '--help')).toMatchObject({ command: { name: 'help' }, positionals: ['explain'] })
    expect(read('--version').command.name).toBe('version')
  })

  it('names the nearest command or option for an unknown one', () => {
    expect(problem('recncile')).toBe('There is no command "recncile". Did you mean reconcile?')
    expect(problem('dev', '--prot', '1')).toBe('dev has no option --prot. Did you mean --port?')
    expect(problem('dev', '--frobnicate')).toBe('dev has no option --frobnicate.')
    expect(problem('--port', '1', 'dev')).toBe('The command comes first, before --port.')
  })

  it('says what is missing, empty or too much', () => {
    expect(problem('explain', 'candidate')).toBe('explain needs ID.')
    expect(problem('explain', 'candidate', '1', '2')).toBe('explain takes no "2".')
    expect(problem('findings', '--kind')).toContain('--kind')
    expect(problem('findings', '--url', '')).toBe('--url is empty.')
  })
})

describe('settings', () => {
  it('come from the option, else from the environment, where empty is unset', () => {
    const env = { SYNCPROOF_PORT: '5000' }
    expect(portSetting(context(['dev', '--port', '6000'], env), 'port', 4319)).toBe(6000)
    expect(portSetting(context(['dev'], env), 'port', 4319)).toBe(5000)
    expect(portSetting(context(['dev'], { SYNCPROOF_PORT: '' }), 'port', 4319)).toBe(4319)
    expect(textSetting(context(['findings', '--kind', 'lost-update']), 'kind')).toBe('lost-update')
  })

  it('name the option or the variable that is wrong, and what it must be', () => {
    expect(() => portSetting(context(['dev', '--port', '99999']), 'port', 1)).toThrow(
      '--port must be a whole number from 0 to 65535, not "99999".',
    )
    expect(() => portSetting(context(['dev'], { SYNCPROOF_PORT: '1e3' }), 'port', 1)).toThrow(
      'SYNCPROOF_PORT must be a whole number from 0 to 65535, not "1e3".',
    )
    expect(() =>
      urlSetting(context(['migrate', '--database', 'localhost']), 'database', ['postgres:']),
    ).toThrow('--database must be a URL such as postgres://host, not "localhost".')
    expect(() => choiceSetting(context(['findings', '--verdict', 'sure']), 'verdict', ['proven'])).toThrow(
      '--verdict must be one of proven, not "sure".',
    )
  })

  it('never show a password', () => {
    expect(withoutPassword('postgres://me:se/c@ret@db:5432/app')).toBe('postgres://me:***@db:5432/app')
    expect(withoutPassword('redis://:secret@cache')).toBe('redis://:***@cache')
    expect(withoutPassword('postgres://db/app?password=secret&x=1')).toBe(
      'postgres://db/app?password=***&x=1',
    )
    expect(withoutPassword('postgres://db/app')).toBe('postgres://db/app')
  })
})
