import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Detector, OperationHistory } from './history.ts'
import { detectOperation, detectors } from './index.ts'
import { history, started, write } from './testing/history-builder.ts'

const lossy = history(started(), write({ email: ['a', 'b', 'a', 'value'] }))

test('a detector that throws costs none of the others', () => {
  const fault = new Error('a bug')
  const broken: Detector = {
    id: 'write-conflict',
    title: '',
    needs: ['write'],
    reads: [],
    detect() {
      throw fault
    },
  }
  const { findings, failures } = detectOperation(lossy, [broken, ...detectors])
  expect(failures).toEqual([{ detector: 'write-conflict', error: fault }])
  expect(findings.map(({ kind }) => kind)).toContain('lost-update')
})

test('an operation without the events that a detector needs is not shown to it', () => {
  const picky: Detector = {
    id: 'unknown-outcome',
    title: '',
    needs: ['sync'],
    reads: [],
    detect: () => expect.unreachable(),
  }
  expect(detectOperation(lossy, [picky])).toEqual({ findings: [], failures: [] })
})

test('an event of a kind that nobody knows changes nothing, whatever the kind is called', () => {
  const [start, ...rest] = lossy.events
  const unknown = ['constructor', '__proto__', 'committed', 'rename'].map((kind) => ({ ...start, kind }))
  const events = [start, ...unknown, ...rest] as OperationHistory['events']
  expect(detectOperation({ ...lossy, events })).toEqual(detectOperation(lossy))
})

test('the file of a detector is called by its id', () => {
  const files = readdirSync(new URL('./detectors/', import.meta.url))
    .filter((file) => !file.endsWith('.test.ts'))
    .map((file) => file.replace(/\.ts$/, ''))
  expect(files.sort()).toEqual(detectors.map(({ id }) => id).sort())
})
