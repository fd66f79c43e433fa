import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectFiles, readProjectFile, root } from './source-files.ts'

const files = projectFiles()
const folders = [
  ...new Set(files.filter((path) => path.includes('/')).map((path) => path.split('/')[0] ?? '')),
]
  .filter((name) => !name.startsWith('.'))
  .sort()

describe('the tree', () => {
  it("is the one that the README's tree shows", () => {
    const tree = readProjectFile('README.md').match(/```\n(?:README\.md[\s\S]*?)```/)?.[0] ?? ''
    const shown = [...tree.matchAll(/^([a-z]+)\/(?:[a-z]+\/)? /gm)].map((match) => match[1] ?? '')
    expect([...new Set(shown)].sort()).toEqual(folders)
  })

  it('has a README in each part that says what belongs there', () => {
    const parts = folders.flatMap((name) =>
      name === 'services' || name === 'examples'
        ? [
            ...new Set(
              files
                .filter((path) => path.startsWith(`${name}/`))
                .map((path) => path.split('/').slice(0, 2).join('/')),
            ),
          ]
        : [name],
    )
    expect(parts.filter((part) => !existsSync(join(root, part, 'README.md')))).toEqual([])
  })

  it('links only to files that exist', () => {
    const broken = files
      .filter((path) => path.endsWith('.md'))
      .flatMap((path) =>
        [...readProjectFile(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
          .map((match) => match[1] ?? '')
          .filter((link) => !existsSync(join(root, path, '..', link)))
          .map((link) => `${path}: ${link}`),
      )
    expect(broken).toEqual([])
  })

  it('names every version exactly', () => {
    const loose = files
      .filter((path) => path.endsWith('package.json'))
      .flatMap((path) => {
        const manifest = JSON.parse(readProjectFile(path)) as Record<
          string,
          Record<string, string> | undefined
        >
        return ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((kind) =>
          Object.entries(manifest[kind] ?? {})
            .filter(([, version]) => !/^(npm:[^@]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
            .map(([name, version]) => `${path}: ${name} ${version}`),
        )
      })
    expect(loose).toEqual([])
  })

  it('records no download address in the lockfile', () => {
    expect(readProjectFile('package-lock.json')).not.toContain('"resolved": "http')
  })
})
