import { expect, it } from 'vitest'
import { eachEngine } from '../../tools/testing/stores.ts'
import { sharedStore } from './shared-store.ts'

eachEngine('keys', (open) => {
  const given = sharedStore(open)

  it('a store says whether any key opens it', async () => {
    const { store, close } = await open()
    expect(await store.keys.exist()).toBe(false)
    await store.keys.create('default', 'api', ['ingest'])
    expect(await store.keys.exist()).toBe(true)
    await close()
  })

  it('a key opens its project with its scopes, and nothing else does', async () => {
    const { store, project } = given()
    const { id, key } = await store.keys.create(project, 'api', ['ingest'])
    expect(key).toMatch(/^sp_[\w-]{43}[\w-]{6}$/)
    expect(await store.keys.authenticate(key)).toEqual({ id, projectId: project, scopes: ['ingest'] })
    expect(await store.keys.authenticate(`${key}x`)).toBeUndefined()
    expect(await store.keys.authenticate('')).toBeUndefined()
  })

  it('a key that the operator chose is accepted, once', async () => {
    const { store, project } = given()
    await store.keys.adopt(project, 'env', 'chosen', ['ingest', 'read', 'admin'])
    const first = await store.keys.authenticate('chosen')
    await store.keys.adopt(project, 'env', 'chosen', ['ingest', 'read', 'admin'])
    expect(await store.keys.authenticate('chosen')).toEqual(first)
  })
})
