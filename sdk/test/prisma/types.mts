// What the app is promised of types; checked by the TypeScript compiler beside a generated client.
import { PrismaPg } from '@prisma/adapter-pg'
import { prismaPool, syncproofPrisma } from '@syncproof/sdk/prisma'
import pg from 'pg'
import { PrismaClient } from './client/client.ts'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
type Result<F extends () => Promise<unknown>> = Awaited<ReturnType<F>>

const pool = prismaPool(new pg.Pool(), { system: 'db' })
const plain = new PrismaClient({ adapter: new PrismaPg(pool) })
const observed = plain.$extends(syncproofPrisma())
const where = { id: 'c1' }

const plainRead = () => plain.candidate.findUnique({ where, include: { notes: true } })
const observedRead = () => observed.candidate.findUnique({ where, include: { notes: true } })
export const reads: Same<Result<typeof plainRead>, Result<typeof observedRead>> = true

const plainWrite = () =>
  plain.$transaction(async (tx) =>
    tx.candidate.update({ where, data: { score: 1 }, select: { score: true } }),
  )
const observedWrite = () =>
  observed.$transaction(async (tx) =>
    tx.candidate.update({ where, data: { score: 1 }, select: { score: true } }),
  )
export const writes: Same<Result<typeof plainWrite>, Result<typeof observedWrite>> = true
export const narrow: Same<Result<typeof observedWrite>, { score: number }> = true

// @ts-expect-error there is no such field
export const wrong = () => observed.candidate.findUnique({ where: { nope: 1 } })
