export type { Step } from './proof.ts'
export { type Verification, verifyFinding } from './verify-finding.ts'
