import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Ats, startAts } from '../demo/ats.ts'
import { planFault } from '../demo/ats-faults.ts'
import { makeCandidates } from '../demo/candidates.ts'
import { AtsError, createAtsClient } from '../src/ats-client.ts'

const seed = 'ats test'
const candidates = makeCandidates(seed, 5, new Date('2026-03-01T10:00:00.120Z'))
const TIMEOUT_MS = 500

/** A request id for which the seed plans this fault. */
function requestWith(kind: string): string {
  for (let number = 0; ; number += 1) {
    const id = `test/req-${number}`
    if (planFault(seed, id, 0).kind === kind) return id
  }
}

describe('the ATS behind its proxy', () => {
  let ats: Ats
  beforeAll(async () => {
    ats = await startAts(seed, candidates)
  })
  afterAll(() => ats.stop())

  async function update(id: string, fault: string) {
    const requestId = requestWith(fault)
    const client = createAtsClient({ url: ats.proxy.url, timeoutMs: TIMEOUT_MS })
    const error = await client.updateCandidate(id, { id, name: requestId, updatedBy: requestId }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    await vi.waitFor(() => expect(ats.proxy.inFlight()).toBe(0), { timeout: 10_000 })
    const record = (await ats.records()).find((one) => one.id === id)
    const entry = ats.proxy.log.find((one) => one.requestId === requestId)
    return { error, applied: record?.updatedBy === requestId, entry }
  }

  it('applies and answers a request without a fault', async () => {
    const { error, applied, entry } = await update('c-001', 'none')
    expect(error).toBeUndefined()
    expect(applied).toBe(true)
    expect(entry).toMatchObject({ candidateId: 'c-001', fault: 'none', atsStatus: 200, answeredStatus: 200 })
  })

  it('refuses with 422 and applies nothing', async () => {
    const { error, applied, entry } = await update('c-002', 'reject')
    expect(error).toBeInstanceOf(AtsError)
    expect(error).toMatchObject({ status: 422 })
    expect(applied).toBe(false)
    expect(entry).toMatchObject({ atsStatus: null, answeredStatus: 422 })
  })

  it('loses a request: no answer, nothing applied', async () => {
    const { error, applied, entry } = await update('c-003', 'lose-request')
    expect(error).toMatchObject({ name: 'AtsError', status: undefined })
    expect(applied).toBe(false)
    expect(entry).toMatchObject({ atsStatus: null, answeredStatus: null })
  })

  it('loses a reply: no answer, and applied', async () => {
    const { error, applied, entry } = await update('c-004', 'lose-reply')
    expect(error).toMatchObject({ name: 'AtsError', status: undefined })
    expect(applied).toBe(true)
    expect(entry).toMatchObject({ atsStatus: 200, answeredStatus: null })
  })

  it('applies a late request after the app has given up', async () => {
    const { error, applied, entry } = await update('c-005', 'late')
    expect(error).toMatchObject({ name: 'AtsError', status: undefined })
    expect(applied).toBe(true)
    expect(entry).toMatchObject({ atsStatus: 200, answeredStatus: null })
  })

  it('is changed behind everybody by changing, removing and creating one record each', async () => {
    await expect(ats.tamper(candidates.map(({ id }) => id))).resolves.toEqual(['c-004', 'c-005', 'c-900'])
    const ids = (await ats.records()).map(({ id }) => id)
    expect(ids.sort()).toEqual(['c-001', 'c-002', 'c-003', 'c-004', 'c-900'])
  })

  it('ends when the process that started it is gone, without being told', async () => {
    const other = await startAts(seed, candidates)
    other.child.process.disconnect()
    await once(other.child.process, 'exit')
    await other.proxy.close()
    await expect(fetch(other.url)).rejects.toThrow()
  })
})
