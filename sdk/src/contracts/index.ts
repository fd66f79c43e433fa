export type { Boundary, Contract, ContractIssue } from '../operation/contract.ts'
export { type ContractOptions, contract } from './contract.ts'
export { ContractViolationError } from './contract-violation-error.ts'
export type { SchemaIssue, SchemaResult, StandardSchema } from './standard-schema.ts'
