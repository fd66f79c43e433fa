import { expect, it } from 'vitest'
import { eachEngine } from '../../tools/testing/stores.ts'
import { isBrokenKey } from '../src/index.ts'
import { sharedStore } from './shared-store.ts'

eachEngine('keys', (open) => {
  const given = sharedStore(open)

  it('a store says whether any live key opens it', async () => {
    const { store, close } = await open()
    expect(await store.keys.exist()).toBe(false)
    const { id } = await store.keys.create('default', 'api', ['ingest'])
    expect(await store.keys.exist()).toBe(true)
    await store.keys.revoke(id)
    expect(await store.keys.exist()).toBe(false)
    await close()
  })

  it('a key opens its project with its scopes, and nothing else does', async () => {
    const { store, project } = given()
    const { id, key } = await store.keys.create(project, 'api', ['ingest'])
    expect(isBrokenKey(key)).toBe(false)
    expect(await store.keys.authenticate(key)).toEqual({ id, projectId: project, scopes: ['ingest'] })
    expect(await store.keys.authenticate(`${key}x`)).toBe('unknown')
    expect(await store.keys.authenticate('')).toBe('unknown')
  })

  it('a key that the operator chose is accepted, once', async () => {
    const { store, project } = given()
    const chosen = `chosen-${project}`
    const first = await store.keys.adopt(project, 'env', chosen, ['ingest', 'read', 'admin'])
    expect(first).toMatchObject({ projectId: project, scopes: ['ingest', 'read', 'admin'] })
    expect(await store.keys.adopt(project, 'env', chosen, ['read'])).toEqual(first)
    expect(await store.keys.authenticate(chosen)).toEqual(first)
    const both = ['a', 'b'].map(() => store.keys.adopt(project, 'env', `${chosen}-2`, ['read']))
    const [one, two] = await Promise.all(both)
    expect(one).toEqual(two)
  })

  it('several keys of a project live side by side; a revoked one is listed as such and never opens again', async () => {
    const { store, project } = given()
    const old = await store.keys.create(project, 'old', ['ingest'])
    const next = await store.keys.create(project, 'new', ['ingest', 'read'])
    const revoked = await store.keys.revoke(old.id)
    expect(revoked).toMatchObject({ id: old.id, project, name: 'old', revoked_at: expect.any(String) })
    expect(await store.keys.revoke(old.id)).toEqual(revoked)
    expect(await store.keys.authenticate(old.key)).toBe('revoked')
    expect(await store.keys.adopt(project, 'env', old.key, ['admin'])).toBe('revoked')
    expect(await store.keys.authenticate(old.key)).toBe('revoked')
    expect(await store.keys.authenticate(next.key)).toMatchObject({ id: next.id })
    expect(await store.keys.list(project)).toEqual([
      expect.objectContaining({ id: next.id, scopes: ['ingest', 'read'], revoked_at: null }),
      revoked,
    ])
  })

  it('a key of another project than the one named is neither listed nor revoked', async () => {
    const { store, project } = given()
    const { id, key } = await store.keys.create(project, 'api', ['read'])
    expect(await store.keys.revoke(id, 'another')).toBeUndefined()
    expect(await store.keys.revoke('no-such-id')).toBeUndefined()
    expect(await store.keys.authenticate(key)).toMatchObject({ id })
    expect(await store.keys.list('another')).toEqual([])
    expect((await store.keys.list()).map((listed) => listed.id)).toContain(id)
  })

  it('the last use of a key is noted, at most once a minute', async () => {
    const { store, project } = given()
    const { id } = await store.keys.create(project, 'used', ['ingest'])
    const { id: unused } = await store.keys.create(project, 'unused', ['ingest'])
    const lastUse = async () => {
      const listed = await store.keys.list(project)
      expect(listed.find((key) => key.id === unused)?.last_used_at).toBeNull()
      return listed.find((key) => key.id === id)?.last_used_at
    }
    await store.keys.used([id])
    const first = await lastUse()
    expect(Date.parse(first ?? '')).toBeGreaterThan(Date.now() - 60_000)
    await Promise.all([store.keys.used([id]), store.keys.used([id, id])])
    expect(await lastUse()).toBe(first)
  })
})
