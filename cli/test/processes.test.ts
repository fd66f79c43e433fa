import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Dev, startDev } from '../src/index.ts'
import { cli } from './support/cli.ts'
import { createReporter, post } from './support/telemetry.ts'

let dev: Dev
let env: Record<string, string>
beforeAll(async () => {
  dev = await startDev({ port: 0, metricsPort: 0, ephemeral: true })
  env = { SYNCPROOF_URL: dev.url, SYNCPROOF_API_KEY: dev.apiKey }
})
afterAll(() => dev?.close())

it('processes says what each has produced and what became of it, minute by minute too, and what it means by its exit code', async () => {
  expect(await cli(['processes'], { env })).toMatchObject({
    code: 3,
    stderr: 'Nothing has ever reported here.\n',
  })
  const app = createReporter()
  const events = app.operation('c-1', false)
  const batch = app.batch(events.slice(0, 3))
  const books = { produced: 4, dropped: { sampled: 1 } }
  const process = { ...batch.process, books }
  expect(await post(dev.url, dev.apiKey, { ...batch, process })).toMatchObject({ status: 202 })
  const listed = await cli(['processes'], { env })
  expect(listed).toMatchObject({ code: 0, stderr: '1 process.\n' })
  expect(listed.stdout).toContain('4 produced  3 stored  1 dropped: sampled  0 in flight  0 unaccounted')
  const told = JSON.parse((await cli(['processes', '--json'], { env })).stdout)
  expect(told).toMatchObject({
    version: 1,
    more: false,
    processes: [{ id: process.id, ...books, unaccounted: 0 }],
  })
  const minutes = await cli(['processes', process.id], { env })
  expect(minutes).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d{4}-.* 4 produced {2}3 stored/),
  })
  expect(await cli(['processes', randomUUID()], { env })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('There is no process'),
  })
  const metrics = await (await fetch(dev.metricsUrl)).text()
  for (const line of [
    'syncproof_events_unaccounted 0',
    'syncproof_events_in_flight 0',
    'syncproof_events_dropped{reason="sampled"} 1',
    'syncproof_otlp_spans_total{result="stored"} 0',
  ])
    expect(metrics.split('\n')).toContain(line)
})
