import { setImmediate as immediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Lane } from './lane.ts'

it('a tick belongs to one owner, and those of the next come in the order they asked', async () => {
  const lane = new Lane()
  const [a, b, c] = [{}, {}, {}]
  const sent: string[] = []
  const send = async (owner: object, name: string) => {
    await lane.enter(owner)
    sent.push(name)
  }
  expect(lane.enter(a)).toBeUndefined()
  expect(lane.enter(a)).toBeUndefined()
  const waiting = [send(b, 'b1'), send(c, 'c1'), send(b, 'b2')]
  await Promise.resolve()
  expect(sent).toEqual([])
  await immediate()
  await Promise.resolve()
  expect(sent).toEqual(['b1', 'b2'])
  await Promise.all(waiting)
  expect(sent).toEqual(['b1', 'b2', 'c1'])
  await immediate()
  await immediate()
  expect(lane.enter(b)).toBeUndefined()
})
