import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ConfigError, env } from './index.ts'
import { fromVariable } from './secret-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'syncproof-secrets-'))
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
function fileOf(content: string | Buffer): string {
  const path = join(folder, String(files++))
  writeFileSync(path, content)
  return path
}

function refusal(given: Readonly<Record<string, string>>): string {
  try {
    fromVariable('TOKEN', given)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  throw new Error('it was accepted')
}

describe('a secret', () => {
  it.each([
    ['as it is', 's3cret', 's3cret'],
    ['without the newline at its end', 's3cret\n', 's3cret'],
    ['without the newline of Windows', 's3cret\r\n', 's3cret'],
    ['with what else is white', ' s3cret \n\n', ' s3cret \n'],
    ['of any letters', 'pässwörd', 'pässwörd'],
  ])('is the content of the file that is named, %s', (_, content, secret) => {
    expect(fromVariable('TOKEN', { TOKEN_FILE: fileOf(content) })).toBe(secret)
  })

  it('comes from the variable where no file is named; empty is unset, of both', () => {
    expect(fromVariable('TOKEN', { TOKEN: 's3cret', TOKEN_FILE: '' })).toBe('s3cret')
    expect(fromVariable('TOKEN', { TOKEN: '', TOKEN_FILE: fileOf('s3cret') })).toBe('s3cret')
    expect(fromVariable('TOKEN', { TOKEN: '', TOKEN_FILE: '' })).toBeUndefined()
    expect(fromVariable('TOKEN', {})).toBeUndefined()
  })

  it('is refused where it is given twice: nobody could say which one holds', () => {
    const text = refusal({ TOKEN: 's3cret', TOKEN_FILE: fileOf('0ther') })
    expect(text).toContain('TOKEN and TOKEN_FILE are both set')
    expect(text).not.toMatch(/s3cret|0ther/)
  })

  it.each<[string, () => string, string]>([
    ['that is not there', () => join(folder, 'none'), 'cannot be read: ENOENT'],
    ['that is a folder', () => folder, 'cannot be read: EISDIR'],
    ['that is empty: the default of a key is known to everybody', () => fileOf(''), 'is empty'],
    ['of a newline alone', () => fileOf('\n'), 'is empty'],
    ['that is no text', () => fileOf(Buffer.from([0x73, 0xff, 0xfe])), 'is no text in UTF-8'],
    ['with a NUL', () => fileOf('s3cret\0'), 'is no text in UTF-8'],
    ['that is far too large', () => fileOf('s3cret'.repeat(20_000)), 'has more than 64 KiB'],
    ['without an end', () => '/dev/zero', 'has more than 64 KiB'],
  ])('from a file %s is refused by variable and path, and never shown', (_, make, why) => {
    const path = make()
    const text = refusal({ TOKEN_FILE: path })
    expect(text).toContain(`TOKEN_FILE names ${path}, which ${why}`)
    expect(text).not.toContain('s3cret')
  })

  it('of a configuration comes from a file, too', () => {
    process.env.SECRET_TEST_TOKEN_FILE = fileOf('s3cret\n')
    try {
      expect(env('SECRET_TEST_TOKEN')).toBe('s3cret')
    } finally {
      delete process.env.SECRET_TEST_TOKEN_FILE
    }
    expect(() => env('SECRET_TEST_TOKEN')).toThrow('SECRET_TEST_TOKEN_FILE')
  })
})
