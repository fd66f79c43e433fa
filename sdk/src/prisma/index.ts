export type { ObserveOptions } from '../pg/connection.ts'
export { type PrismaExtension, syncproofPrisma } from './extension.ts'
export { prismaPool } from './pool.ts'
